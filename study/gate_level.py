import numpy as np, time
from study.gate_today import *
from refork_evals.statistics.draws import binomial, largest_region
from refork_evals.statistics.sequential import _most_likely_drop, _drawn, _likelihood

def ratios(baseline, H, drop):
    n, x, now = _drawn(H)
    b = np.arange(baseline + 1, dtype=float)[:, None, None]
    before = b / baseline
    free = _likelihood(b, baseline, before) + _likelihood(x, n, now)
    pooled = np.clip((b + x) / (baseline + n), 0, 1)
    unchanged = _likelihood(b, baseline, pooled) + _likelihood(x, n, pooled)
    dropped = _most_likely_drop(b, baseline, x, n, drop)
    return free - unchanged, (now < before) & (x <= n), free - dropped, (before - now < drop) & (x <= n)

def leveled(ratio, side, alpha, lowest, before, now, rounds=12, step=0.7, other=None):
    B = ratio.shape[0] - 1
    w = binomial(np.arange(B + 1)[:, None], B, before[None, :]); w /= w.sum(axis=1, keepdims=True)
    t = np.full(B + 1, -np.log(alpha) + .5)
    best = None
    for i in range(rounds):
        size = chance(side & (ratio >= t[:, None, None]), lowest, before, now, other=other)
        gap = np.log(np.maximum(size, alpha * 1e-3) / alpha)
        t = np.maximum(t + step * (w * gap).sum(axis=1), .05)
    lo, hi = -2., 3.
    for _ in range(10):
        m = (lo + hi) / 2
        ok = chance(side & (ratio >= t[:, None, None] + m), lowest, before, now, other=other).max() <= alpha
        lo, hi = (lo, m) if ok else (m, hi)
    region = side & (ratio >= t[:, None, None] + hi)
    region[:, :lowest] = False
    return region, t + hi

if __name__ == "__main__":
    for C in (20, 100, 300):
        a = share_of_case(.05, C)
        for drop, ag, low in ((.4, .05, 5), (.45, .05, 5), (.45,.05,4)):
            rb, sb, rg, sg = ratios(30, 60, drop)
            t0 = time.process_time()
            bad, tb = leveled(rb, sb, a, low, RATES, RATES)
            kept = RATES[RATES >= drop]
            good, tg = leveled(rg, sg, ag, low, kept, kept - drop)
            cpu = time.process_time() - t0
            print(f"cpu {cpu:.1f} tb {np.round(tb[18:],1)} tg {np.round(tg[18:],1)}")
            say(f"leveled drop={drop} ag={ag} low={low}", good & ~bad, bad, low, C)
            gs = chance(good & ~bad, low, kept, kept-drop, other=bad)
            print("   good size at before .6 .8 .9 .95 1:", np.interp([.6,.8,.9,.95,1],kept,gs).round(4))
        if C == 20: pass

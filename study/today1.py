import sys, numpy as np, time
from study.engine import *
from refork_evals.statistics.sequential import rate_rule

def verdict_of(mode, rate, cells, x, n):
    if mode == "fixed": return None
    t, rule = stop_table("rate", rate, cells)
    return np.where(rule.good[n, x], 1, np.where(rule.bad[n, x], -1, 0))

def run(mode, C, K, p, sessions, seed, delta=0.0):
    rng = np.random.default_rng(seed)
    called = reg = below = cover = found = won = trials = 0
    for _ in range(sessions):
        now = np.full(C, p) if p is not None else rng.uniform(0.3, 1, C)
        cand = np.broadcast_to(now, (K, C)).copy()
        if delta: cand[0] += delta
        x0, n0, x, n = today(rng, mode, now, cand)
        arms = [Arm(case=str(c), variant="current", verdict="", passes=int(x0[c]), trials=int(n0[c])) for c in range(C)]
        arms += [Arm(case=str(c), variant=f"v{k}", verdict="", passes=int(x[k, c]), trials=int(n[k, c])) for k in range(K) for c in range(C)]
        found_ = compare(arms)
        diff = [v.change in (Change.IMPROVED, Change.REGRESSED, Change.TRADE_OFF) for v in found_]
        null = diff[1:] if delta else diff
        called += any(null); found += found_[0].change is Change.IMPROVED
        reg += any(v.change is Change.REGRESSED for v in found_)
        below += np.mean([v.interval.high < 0 for v in found_])
        cover += np.mean([v.interval.low - 1e-9 <= (cand[i] - now).mean() <= v.interval.high + 1e-9 for i, v in enumerate(found_)])
        if mode != "fixed":
            w = verdict_of(mode, 0.7, K * C, x, n) == 1
            if mode == "auto":
                c0 = verdict_of(mode, 0.7, C, x0, n0) != 1
            else:
                c0 = np.ones(C, bool) if mode == "x" else None
            if c0 is not None:
                won += (w & c0[None] & (x / n > (x0 / n0)[None])).any()
        trials += (n0.sum() + n.sum()) / (C * (K + 1))
    s = sessions
    print(f"{mode:5} C={C:3} K={K} p={p} d={delta}: different {called/s:.3f} regressed {reg/s:.3f} below0 {below/s:.3f} cover {cover/s:.3f} winner {won/s:.3f} found {found/s:.3f} trials {trials/s:.1f}", flush=True)

if __name__ == "__main__":
    t = time.time()
    for mode in ("auto", "fixed", "gate", "kept"):
        for C, K in ((1, 2), (5, 2), (20, 2), (20, 8), (100, 2)):
            for p in (0.5, 0.7, 0.9, None):
                S = 400 if C <= 20 and K == 2 else 100
                run(mode, C, K, p, S, 1)
    print(time.time() - t)

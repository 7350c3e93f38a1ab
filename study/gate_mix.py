"""Mixture likelihood ratios with a least favourable weight over the rates."""
import numpy as np, time, sys
from study.gate_today import *
from study.gate_level import ratios, leveled
from scipy.special import logsumexp, xlogy, xlog1py
from refork_evals.statistics.draws import binomial

P = RATES
def logbin(x, n, r):
    return xlogy(x, r) + xlog1py(n - x, -r)

def tables(B, H):
    b = np.arange(B + 1.)[:, None]; n = np.arange(H + 1.)[:, None, None]; x = np.arange(H + 1.)[None, :, None]
    lb = logbin(b, B, P[None, :])                     # [b, p]
    ok = x <= n
    lx = np.where(ok, logbin(np.minimum(x, n), n, P), -np.inf)  # [n, x, p]
    return lb, lx

def mix(logw, lb, lx_of):
    """log sum_p w(p) L_b(p) L_x(p): [b, n, x]"""
    a = np.exp(lb + logw)                          # [b,p]
    m = lx_of.max(axis=2, keepdims=True); m = np.where(np.isfinite(m), m, 0)
    e = np.exp(lx_of - m)                        # [n,x,p]
    with np.errstate(divide="ignore"):
        return np.log(np.einsum("bp,nxp->bnx", a, e)) + m[None, ..., 0]

def alternative(lb, lx, drops):
    """before uniform over rates >= .3, now as drops say: list of (drop, weight); None: uniform below."""
    ok = P >= .3
    parts = []
    for d, w in drops:
        q = P - d
        use = ok & (q >= -1e-9)
        lq = np.stack([np.interp(np.maximum(q, 0), P, lx[i, j]) if False else lx[i, j] for i in range(0) for j in range(0)]) if False else None
        parts.append((use, np.maximum(q, 0), w))
    return parts

def lx_at(rates, H):
    n = np.arange(H + 1.)[:, None, None]; x = np.arange(H + 1.)[None, :, None]
    return np.where(x <= n, logbin(np.minimum(x, n), n, rates), -np.inf)

def h1(lb, H, drops):
    total = None
    for d, w in drops:
        use = (P >= .3) & (P - d >= 0)
        lw = np.where(use, np.log(w / use.sum()), -np.inf)
        part = mix(lw, lb, lx_at(np.maximum(P - d, 1e-3), H))
        total = part if total is None else np.logaddexp(total, part)
    return total

def bad_region(B, H, alpha, low, drops, rounds=15, eta=.5):
    lb, lx = tables(B, H)
    top = h1(lb, H, drops)
    n, x, now = np.arange(H+1)[None,:,None], np.arange(H+1)[None,None,:], None
    b = np.arange(B+1)[:,None,None]
    side = (x <= n) & (x * B < b * n)
    lam = np.full(len(P), 1 / len(P))
    best = None
    for i in range(rounds):
        ratio = np.where(side, top - mix(np.log(lam), lb, lx), -np.inf)
        region = largest(ratio, side, alpha, lambda r: chance(r, low, P, P).max(), low)
        size = chance(region, low, P, P)
        yield region, size
        lam = lam * np.maximum(size / alpha, 1e-2) ** eta
        lam = np.maximum(lam / lam.sum(), 1e-7)

def largest(ratio, side, alpha, crossing, low):
    lo, hi = 0., 12.
    g = -np.log(alpha)
    for _ in range(9):
        m = (lo + hi) / 2 if _ else min(g, 11)
        if crossing(side & (ratio >= m)) <= alpha: hi = m
        else: lo = m
    r = side & (ratio >= hi); r[:, :low] = False
    return r

if __name__ == "__main__":
    for C in (20, 100, 300):
        a = share_of_case(.05, C)
        r = drop_rules(30, Bounds(5,60), smallest_drop=.45, alpha_good=.05, alpha_bad=a)
        for drops in ([(.45, 1.)], [(.2,.2),(.3,.2),(.4,.2),(.5,.2),(.6,.2)]):
            for i, (bad, size) in enumerate(bad_region(30, 60, a, 5, drops)):
                if i in (0, 5, 14): say(f"mix {i} {drops[0]}", r.good & ~bad, bad, 5, C)

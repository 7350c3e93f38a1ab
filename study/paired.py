"""Paired rounds under one common stopping rule: tables of the two-arm test, sessions, intervals, tests. Vectorised."""
import numpy as np
from functools import lru_cache
from scipy.special import xlogy, xlog1py, gammaln, ndtr, ndtri
from refork_evals.statistics.draws import binomial
from refork_evals.statistics.sequential import Bounds, rate_rule
from refork_evals.statistics import wilson_interval

LOOKS = (5, 10, 15, 20, 30, 40, 60)
HIGH = 60
P = np.unique(np.r_[np.linspace(.02, .5, 13), np.linspace(.5, 1, 21), .97, .99])

def ll(x, n, p): return xlogy(x, p) + xlog1py(n - x, -p)

@lru_cache(None)
def glr():
    """{n: [x, y] -> signed root-free log likelihood ratio, positive where y > x}"""
    out = {}
    for n in LOOKS:
        x = np.arange(n + 1.)[:, None]; y = np.arange(n + 1.)[None, :]
        g = ll(x, n, x / n) + ll(y, n, y / n) - ll(x + y, 2 * n, (x + y) / (2 * n))
        out[n] = np.where(y > x, g, -g)
    return out

@lru_cache(None)
def kernels():
    out, last = [], 0
    for n in LOOKS:
        k = np.zeros((len(P), last + 1, n + 1))
        for a in range(last + 1):
            j = np.arange(n - last + 1)
            k[:, a, a + j] = binomial(j[None, :], n - last, P[:, None])
        out.append(k); last = n
    return out

def crossing(threshold):
    """Chance of ever calling y better (one side), at each of P, stopping on either side."""
    w = np.ones((len(P), 1, 1)); found = np.zeros(len(P))
    for n, k in zip(LOOKS, kernels()):
        w = np.einsum("pax,pab,pby->pxy", k, w, k, optimize=True)
        g = glr()[n]
        up = g >= threshold
        found += (w * up).sum(axis=(1, 2))
        w = np.where(np.abs(g) >= threshold, 0, w)
    return found

@lru_cache(None)
def threshold(alpha):
    """The lowest with at most alpha on one side."""
    lo, hi = 0., 30.
    for _ in range(14):
        m = (lo + hi) / 2
        if crossing(m).max() <= alpha: hi = m
        else: lo = m
    return hi

@lru_cache(None)
def rate_table(rate, alpha_bad):
    r = rate_rule(rate, Bounds(5, HIGH), alpha_good=.05, alpha_bad=alpha_bad)
    return np.where(r.good, 1, np.where(r.bad, -1, 0))

@lru_cache(None)
def width_table():
    t = np.full((HIGH + 1, HIGH + 1), 2.)
    for n in range(1, HIGH + 1):
        for x in range(n + 1):
            i = wilson_interval(x, n); t[n, x] = i.high - i.low
    return t

def session(rng, now, cand, *, narrow=.3, case_share=.5, enough=10, rate=.7, alpha=.05):
    """now [S, C], cand [S, K, C]: x (current), y, n per candidate and case; called +-1 per case; verdict."""
    S, K, C = cand.shape
    cur = (rng.random((S, C, HIGH), dtype=np.float32) < now[..., None]).cumsum(-1, dtype=np.int16)
    can = (rng.random((S, K, C, HIGH), dtype=np.float32) < cand[..., None]).cumsum(-1, dtype=np.int16)
    share = alpha * (case_share if C > 1 else 1) / (2 * K * C)
    thr = threshold(share)
    rt = rate_table(rate, alpha / (K * C))
    n_at = np.zeros((S, K, C), int); called = np.zeros((S, K, C), int); open_ = np.ones((S, K, C), bool)
    verdict = np.zeros((S, K, C), int)
    for n in LOOKS:
        x = np.broadcast_to(cur[:, None, :, n - 1], (S, K, C)); y = can[..., n - 1]
        g = glr()[n][x, y]
        c = np.where(g >= thr, 1, np.where(g <= -thr, -1, 0))
        v = rt[n, y]
        done = (v != 0) | ((c != 0) & (n >= enough)) | (width_table()[n, y] <= narrow) | (n == HIGH)
        take = open_ & done
        n_at[take] = n; called[take] = c[take]; verdict[take] = v[take]
        open_ &= ~done
    pick = lambda a, i: np.take_along_axis(a, i[..., None] - 1, -1)[..., 0]
    xs = pick(np.broadcast_to(cur[:, None], can.shape), n_at); ys = pick(can, n_at)
    nmin = n_at.min(axis=2)
    idx = np.broadcast_to(nmin[..., None], n_at.shape)
    return dict(n=n_at, x=xs, y=ys, called=called, verdict=verdict, nmin=nmin, xp=pick(np.broadcast_to(cur[:, None], can.shape), idx), yp=pick(can, idx))

def sato(x, y, n, z):
    """Klingenberg's interval of Mantel and Haenszel's difference y - x, equal n: over the last axis."""
    N = 2. * n; w = n * n / N; W = w.sum(-1)
    d = ((y - x) * n / N).sum(-1) / W
    Pk = (n * n * x / N**2 * n / n - n * n * y / N**2).sum(-1) / W**2   # n1^2 y2 - n2^2 y1 over N^2
    Q = ((y * (n - x) + x * (n - y)) / (2 * N)).sum(-1) / W**2
    mid = d + z * z / 2 * Pk
    half = np.sqrt(np.maximum(mid**2 - d**2 + z * z * Q, 0))
    return d, mid - half, mid + half

def exact_z(x, y, n):
    """Signed z with the hypergeometric null variance, continuity corrected."""
    t = x + y; N = 2. * n
    var = t * (N - t) * n * n / (N * N * (N - 1))
    T = (y - x).sum(-1) / 2.; V = var.sum(-1)
    return np.sign(T) * np.maximum(np.abs(T) - .5, 0) / np.sqrt(np.maximum(V, 1e-9)) * (V > 0)

def holm_reject(p, alpha):
    """p [S, K] -> rejected [S, K]"""
    order = np.argsort(p, axis=1); ps = np.take_along_axis(p, order, 1); K = p.shape[1]
    ok = np.cumprod(ps <= alpha / (K - np.arange(K)), axis=1).astype(bool)
    out = np.zeros_like(ok); np.put_along_axis(out, order, ok, 1); return out

def wmean(d, n): return (d * n).sum(-1) / n.sum(-1)

import sys, time
from study.paired import *

def report(C, K, p, delta, S, seed, zs=(1.96, 2.24, 2.41), **kw):
    rng = np.random.default_rng(seed)
    now = np.full((S, C), p) if isinstance(p, float) else rng.uniform(.3, 1, (S, C))
    cand = np.repeat(now[:, None], K, axis=1)
    if delta == "het": cand = np.clip(cand + rng.choice([-.3, 0, .3, .6], (S, K, C)), 0, 1)
    elif delta: cand[:, 0] = np.clip(cand[:, 0] + delta, 0, 1)
    r = session(rng, now, cand, **kw)
    true = cand - now[:, None]
    out = []
    for z in zs:
        d, lo, hi = sato(r["x"], r["y"], r["n"], z)
        t = wmean(true, r["n"]); e = 1e-9
        d2, lo2, hi2 = sato(r["xp"], r["yp"], np.broadcast_to(r["nmin"][..., None], r["n"].shape), z)
        t2 = true.mean(-1)
        out.append(f"{((lo-e<=t)&(t<=hi+e)).mean():.3f}/{((lo-e<=t2)&(t2<=hi+e)).mean():.3f}/{((lo2-e<=t2)&(t2<=hi2+e)).mean():.3f}")
        if z == zs[-1]: width = (hi - lo).mean(); width2 = (hi2 - lo2).mean(); below = (hi < -e).mean()
    share = .05 * (.5 if C > 1 else 0)
    pz = 2 * ndtr(-np.abs(exact_z(r["x"], r["y"], r["n"])))
    res = {}
    for name, f in (("nom", 1.), ("poc", .32)):
        suite = holm_reject(pz, share * f) if share else np.zeros(pz.shape, bool)
        case = (r["called"] != 0).any(-1)
        either = suite | case
        if delta == 0.0: res[name] = f"{either.any(1).mean():.4f} (suite {suite.any(1).mean():.4f} case {case.any(1).mean():.4f})"
        else: res[name] = f"found {(suite[:,0] & (exact_z(r['x'],r['y'],r['n'])[:,0]>0)).mean():.3f} or case {either[:,0].mean():.3f} null-other {either[:,1:].any(1).mean() if K>1 else 0:.3f}"
    print(f"C={C:3} K={K} p={p} d={delta} S={S}: cover A/Aunw/B at {zs}: {' '.join(out)} width {width:.3f}/{width2:.3f} nom {res['nom']} poc {res['poc']} n {r['n'].mean():.1f} q90 {np.quantile(r['n'],.9):.0f}", flush=True)

if __name__ == "__main__":
    t = time.process_time()
    for C, K, S in ((1, 1, 4000), (1, 8, 1000), (2, 2, 2000), (5, 3, 1000), (20, 2, 500), (20, 8, 150), (100, 2, 100)):
        for p in (.3, .5, .7, .85, .95, "U"):
            report(C, K, p, 0.0, S, 1)
    print(time.process_time() - t)
    for C, K, S in ((20, 1, 500), (20, 2, 300), (20, 8, 100)):
        for p in (.3, .35, .5, .7): report(C, K, p, .3, S, 2)
        report(C, K, "U", "het", S, 2)
    for C, K, S in ((1,1,3000),(3,1,1000)):
        for p in (.3, .5, .7): report(C, K, p, .3, S, 2)
        report(C, K, "U", "het", S, 2)
    print(time.process_time() - t)

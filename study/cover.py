"""Coverage of candidate intervals for the mean difference over cases, from the rounds that all cases share."""
import sys, time
import study.paired as sp
from study.paired import *

def mover(x, y, n, z):
    def wil(k, n):
        s = z*z/n; r = k/n; mid = (r+s/2)/(1+s); h = z/(1+s)*np.sqrt(r*(1-r)/n+s/(4*n)); return np.where(k>0,mid-h,0), np.where(k<n,mid+h,1)
    C = x.shape[-1]
    a, b = wil(x, n); c, d = wil(y, n); rx, ry = x/n, y/n
    m = (ry-rx).mean(-1)
    lo = np.sqrt(((ry-c)**2+(b-rx)**2).sum(-1))/C; hi = np.sqrt(((d-ry)**2+(rx-a)**2).sum(-1))/C
    return m, m-lo, m+hi

def sato_plus(x, y, n, z, plus=1.0):
    C = x.shape[-1]
    d = (y/n - x/n).mean(-1)
    e = plus / C
    _, lo, hi = sato(x + e, y + e, n + 2*e, z)
    return d, lo, hi

def wald_plus(x, y, n, z, plus=1.0):
    """Mean of case differences with unbiased variances plus pseudo-trials: plus successes and failures an arm, spread over cases."""
    C = x.shape[-1]; e = plus/C
    X, Y, N = x+e, y+e, n+2*e
    d = (Y/N-X/N).mean(-1)
    v = (X*(N-X)+Y*(N-Y))/(N*N*np.maximum(N-1, 1e-9))
    h = z*np.sqrt(v.sum(-1))/C
    return d, d-h, d+h

METHODS = {"mover": mover, "sato+1": sato_plus, "wald+1": wald_plus, "wald+2": lambda *a: wald_plus(*a, plus=2.0), "sato+2": lambda *a: sato_plus(*a, plus=2.0)}

def scenarios(rng, C, S):
    for p in (.3, .5, .7, .9, .97, 1.0): yield f"{p}", np.full((S,C),p), np.full((S,C),p)
    for p, d in ((.3,.3),(.5,.3),(.7,.3),(.3,.7),(.9,-.6),(1.,-.5),(0.0,.7),(.05,.9),(.95,-.1),(1.,-.05)): yield f"{p}{d:+}", np.full((S,C),p), np.full((S,C),p+d)
    u = rng.uniform(.3,1,(S,C)); yield "U", u, u
    yield "U,U", u, rng.uniform(.3,1,(S,C))
    m = rng.random((S,C))<.5; yield "red+guard", np.where(m,.05,.95), np.where(m,.9,.9)

if __name__ == "__main__":
    start = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    sp.LOOKS = tuple(n for n in LOOKS if n >= start)
    zs = (1.96, 2.24, 2.5)
    for mode in ("auto", "fixed5", "fixed10", "fixed30"):
      for C, S in ((1, 6000), (2, 4000), (3, 3000), (6, 2000), (20, 1000), (100, 300), (300, 100)):
        rng = np.random.default_rng(C)
        worst = {}
        for name, now, can in scenarios(rng, C, S):
            if mode == "auto":
                r = session(rng, now, can[:, None]); n = np.broadcast_to(r["nmin"][..., None], r["n"].shape)[:,0]; x, y = r["xp"][:,0], r["yp"][:,0]
            else:
                k = int(mode[5:]); x = rng.binomial(k, now); y = rng.binomial(k, can); n = np.full(x.shape, k)
            t = (can-now).mean(-1)
            for mname, f in METHODS.items():
                for z in zs:
                    _, lo, hi = f(x, y, n, z)
                    c = ((lo-1e-9<=t)&(t<=hi+1e-9)).mean(); w = (hi-lo).mean()
                    worst.setdefault((mname, z), []).append((c, name, w))
        for mname in METHODS:
            print(mode, f"C={C}", mname, " | ".join(f"z={z}: min {min(worst[mname,z])[0]:.3f} at {min(worst[mname,z])[1]}, below .94: {sum(c<.94 for c,_,_ in worst[mname,z])}/{len(worst[mname,z])}, width {np.mean([w for _,_,w in worst[mname,z]]):.3f}" for z in zs), flush=True)

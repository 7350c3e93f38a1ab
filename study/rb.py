"""All rounds of every case, each case counting alike: plain, and Rao-Blackwellised (unbiased), beside the shared rounds."""
import sys
import study.paired as sp
from study.paired import *
from study.cover import wald_plus, scenarios
sp.LOOKS = LOOKS = tuple(n for n in sp.LOOKS if n >= 10)

def stop_sets(K, C, narrow=.3, rate=.7, alpha=.05):
    thr = threshold(alpha * (.5 if C > 1 else 1) / (2*K*C)); rt = rate_table(rate, alpha/(K*C)); out = {}
    for n in LOOKS:
        g = glr()[n]; y = np.arange(n+1)
        s = (np.abs(g) >= thr) | ((rt[n, :n+1] != 0) | (width_table()[n, :n+1] <= narrow))[None, :]
        out[n] = s | (n == HIGH)
    return out

def unbiased(K, C):
    """{n: [x, y] -> E[(y1 - x1) / n1 | stopped at n with x, y]}: paths counted; all have one probability."""
    stops = stop_sets(K, C); out = {}; last = 0; ways = np.ones((1,1)); first = None
    for n in LOOKS:
        k = np.zeros((last+1, n+1))
        lc = np.exp(gammaln(n-last+1)-gammaln(np.arange(n-last+1)+1)-gammaln(n-last-np.arange(n-last+1)+1))
        for a in range(last+1): k[a, a:a+n-last+1] = lc
        ways = k.T @ ways @ k
        if first is None:
            d = (np.arange(n+1)[None,:]-np.arange(n+1)[:,None])/n; first = ways*d
        else: first = k.T @ first @ k
        with np.errstate(invalid="ignore", divide="ignore"): out[n] = np.nan_to_num(first/ways)
        go = ~stops[n]; ways = ways*go; first = first*go
        scale = ways.max(); ways /= max(scale,1e-300); first /= max(scale,1e-300); last = n
    return out

if __name__ == "__main__":
    zs = (1.96, 2.054, 2.17)
    for C, S in ((1, 8000), (3, 4000), (6, 3000), (20, 1500), (100, 400), (300, 150)):
        rng = np.random.default_rng(C+7); ub = unbiased(1, C); res = {}
        tab = np.zeros((HIGH+1,HIGH+1,HIGH+1))
        for n in LOOKS: tab[n,:n+1,:n+1] = ub[n]
        for name, now, can in scenarios(rng, C, S):
            r = session(rng, now, can[:,None]); x,y,n = (r[k][:,0] for k in "xyn"); t=(can-now).mean(-1)
            nm = np.broadcast_to(r["nmin"][...,None], r["n"].shape)[:,0]
            d0 = (y/n-x/n).mean(-1); d1 = tab[n,x,y].mean(-1)
            for z in zs:
                m, lo, hi = wald_plus(x,y,n,z); h = (hi-lo)/2
                c = 1/(1+2/C/n.mean(-1)) 
                for nm_, d in (("plain", m), ("unbiased", m + (d1-d0))):
                    res.setdefault((nm_,z),[]).append(((np.abs(d-t)<=h+1e-9).mean(), name, (2*h).mean(), (d-t).mean()))
                _, lo, hi = wald_plus(r["xp"][:,0], r["yp"][:,0], nm, z); res.setdefault(("shared",z),[]).append((((lo<=t+1e-9)&(t<=hi+1e-9)).mean(), name, (hi-lo).mean(), 0))
        for k in ("plain","unbiased","shared"):
            print(f"C={C} {k}: "+" | ".join(f"z={z} min {min(res[k,z])[0]:.3f} at {min(res[k,z])[1]} (bias {min(res[k,z])[3]:+.3f}) below .94 {sum(c<.94 for c,*_ in res[k,z])} width {np.mean([w for _,_,w,_ in res[k,z]]):.3f}" for z in zs), "maxbias %.3f"%max(abs(b) for *_,b in res[k,1.96]), flush=True)

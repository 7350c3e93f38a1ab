"""Item 6: false reds given the baseline; a confirmation with fresh answers inside the same error."""
import sys
from study.gate_table import *
from refork_evals.statistics.draws import Look

def conditional(bad, good, low, rates_before, now):
    """P(bad | b, now): [rate, b]"""
    B, H = bad.shape[0]-1, bad.shape[1]-1
    w = np.zeros((len(now), B+1, H+1)); w[:,:,0] = 1; out = np.zeros((len(now), B+1)); en = np.zeros_like(out)
    r = now[:,None,None]
    for n in range(1, H+1):
        up = w[:,:,:-1]*r; w = w*(1-r); w[:,:,1:] += up
        if n >= low:
            look = Look(n, w); s = look.stop(bad).sum(axis=2); g = look.stop(good).sum(axis=2); out += s; en += n*(s+g)
            if n == H: en += n*w.sum(axis=2)
    return out, en

def at_alpha(B,H,a,mult):
    bad = bad_of(B,H,a*mult,5,"mix",.4); return bad

if __name__ == "__main__":
    H=60; rng=np.random.default_rng(6)
    for C in (20,):
      for B in (30,60,120):
        a=.05*.8/C; good=good_of(B,H,.45,.05,5,1)
        def summary(name, e_null, e_alt, extra):
            p = rng.uniform(.6,1,(4000,C)); b = rng.binomial(B,p); i = np.abs(P[None,None]-p[...,None]).argmin(-1)
            e = e_null[i,b]; red = 1-(1-e).prod(1)
            pb = binomial(np.arange(B+1),B,np.array(.95)); power=(e_alt[0]*pb).sum()
            print(f"B={B} C={C} {name}: false red by a case {red.mean():.4f}; over baselines: median {np.median(red):.4f} 90% {np.quantile(red,.9):.4f} 99% {np.quantile(red,.99):.4f}, share of baselines above 5% {np.mean(red>.05):.3f} above 20% {np.mean(red>.2):.3f}; any of 20 gates on one baseline {1-((1-red)**20).mean() if False else (1-(1-red)**20).mean():.3f}; power .95>.5 {power:.4f} {extra}", flush=True)
        for mult, confirm in ((1,False),(1,True),("cal",True)):
            if mult=="cal":
                lo,hi=1.,40.
                for _ in range(7):
                    m=(lo*hi)**.5; bad=at_alpha(B,H,a,round(m,3)); e,_=conditional(bad,good&~bad,5,P,P)
                    joint=(e*e*binomial(np.arange(B+1)[None],B,P[:,None])).sum(1).max()
                    lo,hi=(m,hi) if joint<=a else (lo,m)
                m=lo
            else: m=mult
            bad=at_alpha(B,H,a,round(m,3)); g=good&~bad
            e,en=conditional(bad,g,5,P,P); alt,_=conditional(bad,g,5,None,np.array([.5]))
            if confirm: summary(f"confirmed, alpha x{m:.1f}", e*e, alt*alt, f"first looks red {1-(1-(e*binomial(np.arange(B+1)[None],B,P[:,None])).sum(1)[P>=.6].mean())**C:.3f}")
            else: summary("today's way", e, alt, "")

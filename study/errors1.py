"""Item 1: equal prompts called different, real differences found, trials: the rounds that are paired, at three tests."""
import sys, time
import study.paired as sp
from study.paired import *
from study.cover import wald_plus, scenarios
from scipy.special import betaln
sp.LOOKS = tuple(n for n in LOOKS if n >= 10)

def log_e(plus, m):  # mixture Beta(1/2..): sign test that is valid at any stopping
    return m*np.log(2) + betaln(1+plus, 1+m-plus) - betaln(1, 1)

def run(C, K, p, delta, S, seed, **kw):
    rng = np.random.default_rng(seed); tot = np.zeros(12); done = 0
    chunk = max(1, int(4e5 // (C*K)))
    while done < S:
        s = min(chunk, S-done); done += s
        now = np.full((s,C),p) if isinstance(p,float) else rng.uniform(.3,1,(s,C))
        if p == "redguard": now = np.where(np.arange(C) < (C+1)//2, .05, .95)[None].repeat(s,0)
        cand = np.repeat(now[:,None],K,1)
        if delta: cand[:,0] = np.clip(cand[:,0]+delta,0,1)
        if p == "redguard" : pass
        r = session(rng, now, cand, **kw)
        n = np.broadcast_to(r["nmin"][...,None], r["n"].shape)
        share = .05*(.5 if C>1 else 0)
        case = (r["called"]!=0).any(-1)
        zb = exact_z(r["xp"],r["yp"],n); za = exact_z(r["x"],r["y"],r["n"])
        sb = holm_reject(2*ndtr(-abs(zb)),share) if share else np.zeros(zb.shape,bool)
        sa = holm_reject(2*ndtr(-abs(za)),share) if share else np.zeros(zb.shape,bool)
        # anytime-valid: discordant pairs need trial order; x, y of independent draws: pair at random
        tx = r["x"]; ty = r["y"]; nn = r["n"]
        both = rng.hypergeometric(tx, nn-tx, ty)     # rounds in which both passed
        plus = (ty-both).sum(-1); m = (tx+ty-2*both).sum(-1)
        ev = log_e(plus,m) >= np.log(K/.05)
        k0 = 1 if delta else 0
        w = slice(k0,None)
        tot += [ (sb|case)[:,w].any(1).sum(), (sa|case)[:,w].any(1).sum(), ev[:,w].any(1).sum(), case[:,w].any(1).sum(),
                 (sb[:,0]&(zb[:,0]>0)).sum(), (sa[:,0]&(za[:,0]>0)).sum(), (ev[:,0]&(plus>m/2)[:,0]).sum(), case[:,0].sum(),
                 r["n"].mean()*s, np.maximum.reduce(r["n"],axis=1).mean()*s, r["nmin"].mean()*s, 0]
    t = tot/S
    print(f"C={C:3} K={K} p={p} d={delta} S={S}: equal called different: shared {t[0]:.4f} all-rounds {t[1]:.4f} e-value {t[2]:.4f} (case alone {t[3]:.4f}); found shared {t[4]:.3f} all {t[5]:.3f} e {t[6]:.3f} case {t[7]:.3f}; trials cand {t[8]:.1f} cur {t[9]:.1f} shared {t[10]:.1f}", flush=True)

if __name__ == "__main__":
    t=time.process_time()
    for C,K,S in ((1,1,20000),(1,8,5000),(2,2,10000),(3,4,4000),(6,2,4000),(20,2,2000),(20,8,1000),(100,2,500),(300,3,100)):
        for p in (.3,.5,.7,.85,.95,"U"): run(C,K,p,0.0,S,11)
    for C,K,S in ((20,1,2000),(20,8,300),(6,2,1000),(3,2,2000),(1,1,4000)):
        for p in (.3,.35,.5,.6,.7): run(C,K,p,.3,S,12)
        for p in (.4,.7): run(C,K,p,.15,S,12)
    run(4,1,.05,.65,2000,13); run(4,4,.05,.65,500,13); run(4,3,.7,.0,500,13); run(5,1,.95,-.75,2000,14)
    print(time.process_time()-t)

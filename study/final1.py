"""The rule as it is in the code, vectorised: more sessions than the code itself could decide in the time."""
import sys, numpy as np
import study.paired as sp
from study.errors1 import *
from study.cover import wald_plus, scenarios
Z = float(ndtri((1+.965)/2))
def errs():
    for C,K,S in ((1,1,20000),(1,2,10000),(1,8,5000),(2,2,10000),(3,4,5000),(6,2,5000),(20,2,4000),(20,8,1500),(100,2,1500),(300,2,600),(300,8,150)):
        for p in (.3,.5,.7,.85,.95,"U"): run(C,K,p,0.0,S,21)
def cov():
    for mode in ("auto","fixed5","fixed10","fixed30"):
        for C,S in ((1,20000),(2,10000),(3,8000),(6,6000),(20,3000),(100,1500),(300,800)):
            rng=np.random.default_rng(C+77*len(mode)); res=[]
            if mode=="auto" and C>=100: S//=2
            for name,now,can in scenarios(rng,C,S):
                if mode=="auto":
                    lo_,hi_,t=[],[],(can-now).mean(-1)
                    step=max(1,int(2e5//C))
                    for i in range(0,S,step):
                        r=session(rng,now[i:i+step],can[i:i+step,None]); n=np.broadcast_to(r["nmin"][...,None],r["n"].shape)[:,0]
                        _,lo,hi=wald_plus(r["xp"][:,0],r["yp"][:,0],n,Z); lo_.append(lo); hi_.append(hi)
                    lo,hi=np.concatenate(lo_),np.concatenate(hi_)
                else:
                    k=int(mode[5:]); x=rng.binomial(k,now); y=rng.binomial(k,can); t=(can-now).mean(-1); _,lo,hi=wald_plus(x,y,np.full(x.shape,k),Z)
                res.append((((lo-1e-9<=t)&(t<=hi+1e-9)).mean(),name,(hi-lo).mean()))
            print(f"coverage {mode} C={C} S={S}: lowest {min(res)[0]:.4f} at {min(res)[1]}, mean {np.mean([r[0] for r in res]):.4f}, below 0.94: {sum(r[0]<.94 for r in res)} of {len(res)}, width {np.mean([r[2] for r in res]):.3f}",flush=True)
if __name__=="__main__":
    cov(); errs()

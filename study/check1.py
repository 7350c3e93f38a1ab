import time, sys
import numpy as np
from bench.comparisons import simulate
def say(name, r, t): print(f"{name}: S={r.sessions} equal called different {r.errs:.4f} first found better {r.finds:.3f} covers {r.covers:.4f} trials a cell {r.per_cell:.1f} cpu {time.process_time()-t:.0f}", flush=True)
def equal(C,K,p,S,seed,**kw):
    t=time.process_time(); rng=np.random.default_rng(seed); now=np.full(C,p) if p else rng.uniform(.3,1,C)
    say(f"equal C={C} K={K} p={p or 'U(.3,1)'} {kw}", simulate(S,now,np.tile(now,(K,1)),seed=seed,**kw), t)
def better(C,K,p,d,S,seed,**kw):
    t=time.process_time(); now=np.full(C,p); can=np.tile(now,(K,1)); can[0]+=d
    say(f"first {d:+} C={C} K={K} p={p} {kw}", simulate(S,now,can,seed=seed,**kw), t)
if __name__=="__main__":
    q=float(sys.argv[1]) if len(sys.argv)>1 else 1
    for kw in ({}, {"gate":True}, {"trials":10}):
        for C,K,S in ((1,2,1000),(4,2,400),(20,2,150),(20,8,40)):
            for p in (.5,.7,.9,None): equal(C,K,p,int(S*q),1,**kw)
        for p in (.3,.5,.7): better(20,2,p,.3,int(60*q),2,**kw)
    better(4,3,.05,.65,int(100*q),3); better(5,1,.95,-.75,int(100*q),4)

from study.baseline6 import *
rng=np.random.default_rng(8); H=60; C=20; a=.05*.8/C
for B in (30,60):
    good=good_of(B,H,.45,.05,5,1); p=rng.uniform(.6,1,(4000,C)); b=rng.binomial(B,p); i=np.abs(P[None,None]-p[...,None]).argmin(-1); pb=binomial(np.arange(B+1),B,np.array(.95))
    for m1,m2 in ((1,1),(2,2),(3,3),(4,4),(1,4),(2,8),(1,20)):
        b1,b2=at_alpha(B,H,a,m1),at_alpha(B,H,a,m2)
        e1,_=conditional(b1,good&~b1,5,P,P); e2,_=conditional(b2,good&~b2,5,P,P); a1,_=conditional(b1,good&~b1,5,None,np.array([.5])); a2,_=conditional(b2,good&~b2,5,None,np.array([.5]))
        e=(e1*e2)[i,b]; red=1-(1-e).prod(1); first=(1-(1-e1[i,b]).prod(1)).mean()
        worst=((e1*e2)*binomial(np.arange(B+1)[None],B,P[:,None])).sum(1).max()*C
        print(f"B={B} first x{m1} second x{m2}: first red {first:.3f} false red {red.mean():.4f} (worst rate, all cases at it {worst:.4f}) any of 20 {(1-(1-red)**20).mean():.3f} baselines above 5%: {np.mean(red>.05):.3f} power {(a1*a2*pb).sum():.4f}",flush=True)

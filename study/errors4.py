"""Item 4: one of 20 cases falls from 0.95 to 0.5, and a share of its bad answers raise."""
import sys
from study.gate_table import *
from refork_evals.plans.planning import plan_of, Before, Defaults
from refork_evals.verdicts.decision import Counts
from refork_evals.gate.errors import p_of_as_many, MOST, SHARE
from refork.case_files.trial_settings import MAX_TRIALS
from bench.verdicts import CASE
from refork_evals.results import Change
D = Defaults()

def today(share, S, seed, raises_at_null=0.0, now=.5):
    rng=np.random.default_rng(seed); reg=err=n_=0
    plans={b: plan_of(CASE,D,cases=20,before=Before(passes=b,trials=30),gated=True) for b in range(31)}
    for _ in range(S):
        b=int(rng.binomial(30,.95)); u=rng.random(60); ok=u<now; er=(~ok)&(rng.random(60)<share)
        plan=plans[b]; ran,more,c=0,plan.first,None
        while more:
            ran+=more; p=int(ok[:ran].sum()); e=int(er[:ran].sum()); c=Counts(passes=p,failures=ran-p-e,errors=e); more=plan.more(c)
        n_+=ran
        if not c.measured: err+=1; continue
        d=plan.decide(c)
        if d.comparison is not None and d.comparison.change is Change.REGRESSED: reg+=1
        elif c.errors>MOST*ran or (c.errors and p_of_as_many(c.errors,ran,30)<=SHARE*.05/20): err+=1
    print(f"today: share {share}: regressed {reg/S:.3f} error {err/S:.3f} red {(reg+err)/S:.3f} trials {n_/S:.1f}",flush=True)

def new(bad, good, share, S, seed, before=.95, now=.5, noise=0.0, name="new"):
    """Errors are no passes; measured-only with a second test beside."""
    rng=np.random.default_rng(seed); b=rng.binomial(30,before,S); ok=rng.random((S,60))<now; er=(~ok)&(rng.random((S,60))<share)
    lost=rng.random((S,60))<noise; ok&=~lost; er|=lost
    p=ok.cumsum(1); e=er.cumsum(1); n=np.arange(1,61)
    isbad=bad[b[:,None],n[None],p]; isgood=good[b[:,None],n[None],p]; sure=bad[b[:,None],n[None],p+e]
    stop=(isbad|isgood)&(n>=5); stop[:,-1]=True; at=stop.argmax(1); i=np.arange(S)
    red=isbad[i,at]; reg=sure[i,at]&red
    print(f"{name}: share {share} {before}>{now} noise {noise}: red {red.mean():.4f} (said regressed {reg.mean():.3f}, error {(red&~reg).mean():.4f}) trials {at.mean()+1:.1f}",flush=True)

def split(bad_half, good, share, S, seed, now=.5, before=.95):
    """Measured trials alone at half the level, and Fisher's test of the unmeasured at the other half."""
    from scipy.special import comb
    rng=np.random.default_rng(seed); b=rng.binomial(30,before,S); ok=rng.random((S,60))<now; er=(~ok)&(rng.random((S,60))<share)
    red=np.zeros(S,bool); done=np.zeros(S,bool); level=.04/20/2/6
    for n in range(5,61):
        p=ok[:,:n].sum(1); e=er[:,:n].sum(1); m=n-e
        r=bad_half[b,m,p]&(m>=5)
        if n in (5,10,20,30,40,60): r|=(comb(n,e)/comb(n+30,e)<=level)&(e>0)
        g=good[b,n,p]&(m>=5)
        red|=r&~done; done|=r|g
    print(f"split tests: share {share}: red {red.mean():.3f}",flush=True)

if __name__=="__main__":
    for s in (0.,.2,.5,.8): today(s,600,4)
    a=.05*.8/20; bad=bad_of(30,60,a,5,"mix",.4); good=good_of(30,60,.45,.05,5,1)&~bad
    for s in (0.,.2,.5,.8): new(bad,good,s,20000,5)
    half=bad_of(30,60,a/2,5,"mix",.4)
    for s in (.2,.5,.8): split(half,good,s,5000,6)
    for p in (.95,.85,.7):
        for noise in (0.,.01,.02,.05,.1): new(bad,good,.0,60000,7,before=p,now=p,noise=noise,name="null")

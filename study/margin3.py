from study.gate_table import *
import numpy as np
def line(B,H,drop,ag=.05):
    good=good_of(B,H,drop,ag,5,1); bad=bad_of(B,H,.002,5,"mix",.9*drop)
    pb,pg,en=profile(good&~bad,bad,5,np.r_[U,.95,.8],np.r_[U,.95-drop,.8-drop])
    print(f"B={B} max {H} margin {drop}: trials a case where nothing changed {en[:20].mean():.1f}, held {pg[:20].mean():.3f}, left open {1-(pb+pg)[:20].mean():.3f}; a drop of it found at .95 {pb[20]:.2f} at .8 {pb[21]:.2f}",flush=True)
line(30,60,.45); line(30,60,.4); line(30,60,.3); line(60,60,.3); line(30,60,.2); line(60,60,.2); line(60,100,.2); line(120,120,.2)
for d in (.1,.2,.3,.4,.45):
    for p in (.95,.8,.65): print(f"fixed, both arms: margin {d} at {p}: {8.56*2*p*(1-p)/d**2:.0f}", end="; ")
print()
for C in (5,20,100):
    for n,B in ((5,30),(10,30),(10,60)):
        p=np.random.default_rng(0).uniform(.6,1,100000); v=(p*(1-p)).mean()*(1/n+1/B); print(f"suite of {C}, first {n} trials beside {B}: mean drop of more than {1.645*(v/C)**.5*100:.1f} points ruled out half the time, {(1.645+1.28)*(v/C)**.5*100:.1f} in nine of ten", flush=True)

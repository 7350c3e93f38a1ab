import time,numpy as np
from refork_evals.statistics.drops import drop_rules
from refork_evals.statistics.sequential import Bounds
from refork_evals.statistics.draws import chance,RATES,looks
t=time.process_time()
U=(np.arange(20)+.5)/20*.4+.6
for B in (30,60):
  for C in (20,100,300):
    r=drop_rules(B,Bounds(5,60),smallest_drop=.45,alpha_good=.05,alpha_bad=.04/C); t1=time.process_time()-t; t=time.process_time()
    before=np.r_[U,.95,.9,.95];now=np.r_[U,.5,.45,.6]; bad=np.zeros(23); en=np.zeros(23)
    for l in looks(5,60,before,now,B):
        s=l.stop(r.bad).sum((1,2)); g=l.stop(r.good).sum((1,2)); bad+=s; en+=l.trials*(s+g)
        if l.trials==60: en+=60*l.weight.sum((1,2))
    k=RATES[RATES>=.45]
    print(f"B={B} C={C} cpu {t1:.2f} E[N] {en[:20].mean():.2f} power {bad[20:]} size {chance(r.bad,5,RATES,RATES).max()*C:.4f} missed {chance(r.good,5,k,k-.45).max():.4f} fine {chance(r.bad,5,np.linspace(.005,.9999,200),np.linspace(.005,.9999,200)).max()*C:.4f}",flush=True)

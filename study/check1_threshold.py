import time
from refork_evals.statistics.rounds import *
print(looks_of(Bounds(5,60)),looks_of(Bounds(5,5)),looks_of(Bounds(3,8)),looks_of(Bounds(20,300)),looks_of(Bounds(200,300)))
from study.paired import threshold
import study.paired as sp
for a in (.025,.005,.05/2/320,1e-5):
    t=time.process_time(); r=pair_rule((10,15,20,30,40,60),a); t=time.process_time()-t
    sp.LOOKS=(10,15,20,30,40,60); sp.kernels.cache_clear(); sp.threshold.cache_clear(); print(a,r.threshold,threshold(a),t, [next((y for y in range(n+1) if r.better(y,0,n)),None) for n in r.looks])

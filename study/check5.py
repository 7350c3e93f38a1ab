from bench import verdicts
import time
t=time.process_time()
for name,f,a in (("unchanged20",verdicts.unchanged,(3000,20,20)),("fell20",verdicts.one_fell,(2000,20,21)),("unchanged100",verdicts.unchanged,(600,100,100))):
    r=f(*a); print(name,a,"red",r.reds,"found",r.finds,"trials",r.per_case,time.process_time()-t,flush=True)

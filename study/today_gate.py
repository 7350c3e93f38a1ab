from study.today1 import run
for mode, C, K, p, S in (("gate",5,2,.85,150),("gate",20,2,.7,80),("gate",20,2,.85,80),("gate",20,2,None,80),("gate",20,8,.85,40),("kept",20,2,.85,80),("fixed",20,2,.7,80),("fixed",20,8,.5,40),("gate",100,2,.85,25)):
    run(mode, C, K, p, S, 3)
run("auto",20,2,.5,60,4,delta=.3); run("gate",20,2,.5,60,4,delta=.3)

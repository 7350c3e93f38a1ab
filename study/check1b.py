from study.check1 import *
for kw in ({}, {"gate": True}):
    equal(1,2,.7,3000,5,**kw); equal(4,2,.7,800,5,**kw); equal(20,2,.5,250,5,**kw); equal(20,2,None,250,5,**kw); equal(20,8,.7,60,5,**kw); equal(100,2,.85,30,5,**kw)
equal(20,2,.5,400,5,trials=10); equal(20,8,.5,100,5,trials=10); equal(100,2,.7,40,5,trials=5 if False else 10)
for kw in ({}, {"gate": True}, {"trials": 10}):
    for p in (.3,.5,.7): better(20,8,p,.3,20,6,**kw)

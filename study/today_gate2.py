import refork_evals; print(refork_evals.__file__)
from study.today1 import run
run("gate",100,2,None,20,5); run("gate",100,2,.6,12,5); run("gate",20,4,.6,60,6); run("gate",20,8,None,40,7); run("gate",4,2,.7,200,8)

from study.gate_table import *
def line(B,H,C,share,bd,drop,ag,low,rounds=1):
    a=.05*share/C
    if rounds==1: bad=bad_of(B,H,a,low,"mix",bd)
    else:
        for bad,_ in bad_region(B,H,a,low,[(bd,1.)],rounds=rounds): pass
    good=good_of(B,H,drop,ag,low,1)
    pb,pg,en=profile(good&~bad,bad,low,np.r_[U,.95,.9,.8,.95],np.r_[U,.5,.45,.4,.6])
    print(f"B={B} H={H} C={C} share {share} mix{bd} rounds {rounds} low {low} good {drop}/{ag}: E[N] {en[:20].mean():.2f} power {pb[20]:.4f} (.9>.45 {pb[21]:.3f} .8>.4 {pb[22]:.3f} .95>.6 {pb[23]:.3f}) red by cases {1-(1-pb[:20].mean())**C:.4f}",flush=True)
for C in (20,100,300):
    line(30,60,C,.8,.3,.45,.04,5); line(30,60,C,.8,.35,.45,.04,5)
    line(30,60,C,.8,.4,.45,.04,5,rounds=6); line(30,60,C,.9,.4,.45,.04,5); line(30,60,C,.8,.4,.45,.04,4); line(30,60,C,.8,.4,.45,.04,3)
    line(60,60,C,.8,.4,.45,.04,5); line(60,60,C,.8,.4,.45,.03,5)

import sys
from study.gate_mix import *
from study.gate_level import ratios, leveled
from study.gate_today import U
import functools

@functools.lru_cache(None)
def good_of(B, H, drop, ag, low, level):
    _, _, rg, sg = ratios(B, H, drop)
    kept = RATES[RATES >= drop]
    if level: return leveled(rg, sg, ag, low, kept, kept-drop)[0]
    from refork_evals.statistics.draws import largest_region
    return largest_region(rg, sg, ag, lambda r: float(chance(r, low, kept, kept-drop).max()), low)

@functools.lru_cache(None)
def bad_of(B, H, a, low, kind, drop):
    if kind == "glr":
        rb, sb, _, _ = ratios(B, H, .4)
        from refork_evals.statistics.draws import largest_region
        return largest_region(rb, sb, a, lambda r: float(chance(r, low, P, P).max()), low)
    for region, _ in bad_region(B, H, a, low, [(drop,1.)], rounds=1): return region

if __name__ == "__main__":
    B = int(sys.argv[1]); H = int(sys.argv[2]); share = float(sys.argv[3]) if len(sys.argv)>3 else .8
    for C in (20, 100, 300):
        a = .05*share/C
        for kind, bd in (("glr",.4),("mix",.4),("mix",.45),("mix",.55)):
            for drop, ag, low, level in ((.4,.05,5,0),(.4,.05,5,1),(.4,.08,5,1),(.45,.05,5,1),(.45,.04,5,1),(.45,.03,5,1)):
                if kind=="glr" and (drop,ag,level)!=(.4,.05,0): continue
                if kind!="glr" and not level: continue
                bad = bad_of(B,H,a,low,kind,bd); good = good_of(B,H,drop,ag,low,level)
                pb, pg, en = profile(good&~bad, bad, low, np.r_[U,.95,.9,.8,.95], np.r_[U,.5,.45,.4,.6])
                print(f"B={B} H={H} C={C} bad {kind}{bd} good {drop}/{ag} level={level}: E[N] {en[:20].mean():.2f} power .95>.5 {pb[20]:.4f} (.9>.45 {pb[21]:.3f} .8>.4 {pb[22]:.3f} .95>.6 {pb[23]:.3f}) held {pg[20]:.3f} red by cases {1-(1-pb[:20].mean())**C:.4f}", flush=True)

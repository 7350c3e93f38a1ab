import numpy as np, time, sys
from refork_evals.statistics.sequential import *
from refork_evals.statistics.sequential import _drawn, _likelihood
from refork_evals.statistics.draws import looks, RATES, chance
from refork_evals.plans.shares import share_of_case
U = (np.arange(20) + .5) / 20 * .4 + .6

def profile(good, bad, lowest, before, now):
    """P(bad), P(good), E[N] at pairs, stopping at the first of them, over baselines."""
    B, H = bad.shape[0]-1, bad.shape[1]-1
    pb = np.zeros(len(now)); pg = np.zeros(len(now)); en = np.zeros(len(now))
    for look in looks(lowest, H, before, now, B):
        sb = look.stop(bad).sum(axis=(1,2)); sg = look.stop(good).sum(axis=(1,2))
        pb += sb; pg += sg; en += look.trials*(sb+sg)
        if look.trials == H: en += H*look.weight.sum(axis=(1,2))
    return pb, pg, en

def say(name, good, bad, lowest, C):
    pb, pg, en = profile(good, bad, lowest, np.r_[U, .95], np.r_[U, .5])
    sz = chance(bad, lowest, RATES, RATES)
    print(f"{name} C={C}: E[N] {en[:-1].mean():.2f} power {pb[-1]:.4f} lost-good {pg[-1]:.3f} falsely/suite {1-(1-pb[:-1].mean())**C:.4f} size max {sz.max():.5f} at {RATES[sz.argmax()]:.2f}, size(.6,.8,.9,.95) {np.interp([.6,.8,.9,.95,.98],RATES,sz)}", flush=True)

if __name__ == "__main__":
    for C in (20, 100, 300):
        a = share_of_case(.05, C)
        for kw in (dict(smallest_drop=.4, alpha_good=.05), dict(smallest_drop=.45, alpha_good=.05), dict(smallest_drop=.5, alpha_good=.05), dict(smallest_drop=.5, alpha_good=.03)):
            r = drop_rules(30, Bounds(5,60), alpha_bad=a, **kw)
            say(str(kw), r.good, r.bad, 5, C)

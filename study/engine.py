"""Sessions of simulated cases, measured by the plans of the code and compared by the code that decides."""

import numpy as np
from refork_evals.plans.planning import Before, Defaults, plan_of
from refork_evals.statistics.sequential import Bounds, rate_rule, drop_rules
from refork_evals.plans.shares import share_of_case
from refork_evals.verdicts.comparison import Arm, compare
from refork_evals.results import Change
from refork_evals.statistics.strata import Pair, interval, difference, p_of_no_difference
from functools import lru_cache

BASELINE, HIGH, LOW = 30, 60, 5
DEFAULTS = Defaults()


@lru_cache(maxsize=None)
def stop_table(kind, *key):
    """``[n, x]``: whether today's plan asks for no more at x of n."""
    if kind == "rate":
        rate, cells = key
        rule = rate_rule(rate, Bounds(LOW, HIGH), alpha_good=0.05, alpha_bad=0.05 / cells)
    else:
        before, cases, drop = key
        rules = drop_rules(BASELINE, Bounds(LOW, HIGH), smallest_drop=drop, alpha_good=0.05, alpha_bad=share_of_case(0.05, cases))
        rule = rules.rule(before)
    table = np.ones((HIGH + 1, HIGH + 1), dtype=bool)
    for n in range(HIGH + 1):
        for x in range(n + 1):
            table[n, x] = n >= LOW and rule.missing(x, n) == 0
    return table, rule


def first_stop(table, passes):
    """Trials at the first stop; passes is cumulative, [..., HIGH]; table [n, x]."""
    n = np.arange(1, HIGH + 1)
    stops = table[n, passes]
    stops[..., : LOW - 1] = False
    stops[..., -1] = True
    return stops.argmax(axis=-1) + 1


def draws(rng, rates):
    return (rng.random((*rates.shape, HIGH)) < rates[..., None]).cumsum(axis=-1)


def at(passes, n):
    return np.take_along_axis(passes, n[..., None] - 1, axis=-1)[..., 0]


def today(rng, mode, rates_now, rates_cand, fixed=10):
    """One session: rates_now [C], rates_cand [K, C] -> (x0, n0, x, n, decided)"""
    K, C = rates_cand.shape
    cur = draws(rng, rates_now)
    cand = draws(rng, rates_cand)
    if mode == "fixed":
        n0 = np.full(C, fixed); n = np.full((K, C), fixed)
    else:
        n = first_stop(stop_table("rate", 0.7, K * C)[0], cand)
        if mode == "auto":
            n0 = first_stop(stop_table("rate", 0.7, C)[0], cur)
        else:  # gate, or kept: the baseline's own 30 answers come back
            b = rng.binomial(BASELINE, rates_now) if mode == "gate" else cur[:, BASELINE - 1]
            n0 = np.array([first_stop(stop_table("drop", int(b[c]), C, 0.4)[0], cur[c]) for c in range(C)])
    return at(cur, n0), n0, at(cand, n), n

"""The sentences that explain the counts of a plan."""

import dataclasses

from refork_evals.results import Verdict
from refork_evals.statistics.sequential import Bounds, StoppingRule
from refork_evals.verdicts.decision import CellCounts, despite_unknown


def passed(counts: CellCounts) -> str:
    return f"{counts.passes} of {counts.measured} passed"


def out_of_reach(rule: StoppingRule, *, good: Verdict = Verdict.PASS, bad: Verdict = Verdict.FAIL) -> str:
    """Name the verdicts that no answers could lead to."""
    missed = [good.value] * (not rule.can_be_good) + [bad.value] * (not rule.can_be_bad)
    return " or ".join(missed)


def why_no_more(counts: CellCounts, bounds: Bounds, *, more: int) -> str:
    """Explain why the trials ended: no further one could decide, or the session stopped although ``more`` might."""
    ran = counts.measured + counts.errors
    if more:
        stopped = f"stopped after {ran} trials"
    elif ran < bounds.highest:
        stopped = f"no more of them, up to max_trials {bounds.highest}, could decide"
    else:
        stopped = f"max_trials is {bounds.highest}"
    errors = f"; {counts.errors} of {ran} trials ended in an error" if counts.errors else ""
    return stopped + errors


def despite_errors(counts: CellCounts) -> str:
    """Describe trials that were not measured, to add to a decision. Trials that a stopped session did not run are not
    mentioned.
    """
    return despite_unknown(dataclasses.replace(counts, missing=0))

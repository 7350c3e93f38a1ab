"""Runs the trials of a case in rounds: ``current`` runs a trial whenever a candidate beside it does."""

from collections.abc import Collection, Mapping, Sequence

from refork.records.variant import CURRENT

from refork_evals.evaluation.looks import more_trials
from refork_evals.plans import CandidatePlan, TrialPlan
from refork_evals.results import ScoredTrial
from refork_evals.verdicts.cells import count
from refork_evals.verdicts.decision import CellCounts


def are_paired(plans: Mapping[str, TrialPlan]) -> bool:
    """Return whether the variants of a case run in rounds: candidates with a plan for it, beside ``current``."""
    return CURRENT in plans and any(isinstance(plan, CandidatePlan) for plan in plans.values())


def next_round(
    plans: Mapping[str, TrialPlan],
    scored: Mapping[str, Sequence[ScoredTrial]],
    open_variants: Collection[str],
) -> dict[str, int]:
    """Return how many more trials each open variant needs, after all of its scheduled trials were scored; 0 if it
    is done.

    ``current`` goes on as long as a candidate does, and is done no sooner than the last of them.
    """
    current = scored[CURRENT]
    more = {
        variant: _more_beside(plans[variant], scored[variant], current)
        for variant in open_variants
        if variant != CURRENT
    }
    if CURRENT in open_variants:
        rounds = max((len(scored[each]) + trials for each, trials in more.items() if trials), default=0)
        more[CURRENT] = max(0, rounds - len(current)) if rounds else more_trials(plans[CURRENT], current)
    return more


def _more_beside(plan: TrialPlan, own: Sequence[ScoredTrial], current: Sequence[ScoredTrial]) -> int:
    counts = _counts(own, len(own))
    return (
        plan.more_rounds(counts, _counts(current, len(own)))
        if isinstance(plan, CandidatePlan)
        else plan.more(counts)
    )


def _counts(scored: Sequence[ScoredTrial], trials: int) -> CellCounts:
    return count(scored[:trials], None)

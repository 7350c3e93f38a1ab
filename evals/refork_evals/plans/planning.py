"""Which plan a case's trials follow under a variant."""

from dataclasses import dataclass

from refork.case_files.trial_settings import AUTO, MAX_TRIALS, MIN_TRIALS, SMALLEST_DROP
from refork.records import Case

from refork_evals.plans import BaselinePlan, CandidatePlan, FixedPlan, SequentialPlan, TrialPlan
from refork_evals.plans.shares import share_of_case, share_of_pair
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.decision import ALPHA
from refork_evals.verdicts.verdict import min_pass_rate_of


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a project says of trials; a case's own words win. ``trials`` is a number or ``auto``."""

    trials: int | str = AUTO
    min_trials: int = MIN_TRIALS
    max_trials: int = MAX_TRIALS
    smallest_drop: float = SMALLEST_DROP
    min_pass_rate: float | None = None
    alpha: float = ALPHA


@dataclass(frozen=True, kw_only=True)
class Before:
    """What a baseline knows of a case."""

    passes: int
    trials: int


def plan_of(
    case: Case, defaults: Defaults, *, cases: int, before: Before | None = None, gated: bool = False
) -> TrialPlan:
    """The plan of one of ``cases`` cells. ``gated`` says that they share alpha with the test of the whole suite,
    ``before`` what this one is compared with. Raises BadInputError where the bounds contradict each other."""
    own = case.min_pass_rate if case.min_pass_rate is not None else defaults.min_pass_rate
    share = share_of_case(defaults.alpha, cases) if gated else defaults.alpha / max(1, cases)
    bounds = bounds_of(case, defaults)
    if before is not None:
        drop = case.smallest_drop if case.smallest_drop is not None else defaults.smallest_drop
        return BaselinePlan(
            before=before.passes,
            trials_before=before.trials,
            bounds=bounds,
            alpha=share,
            smallest_drop=drop,
            alpha_unchanged=defaults.alpha,
            own=own,
        )
    rate = min_pass_rate_of(case, defaults.min_pass_rate)
    if is_fixed(case, defaults):
        return FixedPlan(trials=bounds.highest, min_pass_rate=rate, alpha=defaults.alpha, cases=cases)
    return SequentialPlan(bounds=bounds, min_pass_rate=rate, alpha=defaults.alpha, cases=cases)


def is_fixed(case: Case, defaults: Defaults) -> bool:
    return isinstance(_asked(case, defaults), int)


def bounds_of(case: Case, defaults: Defaults) -> Bounds:
    """One look after a fixed number; else from ``min_trials`` to ``max_trials``."""
    asked = _asked(case, defaults)
    if isinstance(asked, int):
        return Bounds(asked, asked)
    lowest = defaults.min_trials if case.min_trials is None else case.min_trials
    highest = defaults.max_trials if case.max_trials is None else case.max_trials
    if case.max_trials is not None and case.min_trials is None:
        lowest = min(lowest, highest)
    if case.min_trials is not None and case.max_trials is None:
        highest = max(lowest, highest)
    return Bounds(lowest, highest)


def _asked(case: Case, defaults: Defaults) -> int | str:
    return defaults.trials if case.trials is None else case.trials


def candidate_plan(case: Case, defaults: Defaults, *, cells: int, cases: int) -> TrialPlan:
    """The plan of one of all candidates' ``cells``, in one of ``cases`` cases. Raises as :func:`plan_of` does."""
    plan = plan_of(case, defaults, cases=cells)
    if not isinstance(plan, SequentialPlan):
        return plan
    return CandidatePlan(rate=plan, alpha=share_of_pair(defaults.alpha, cells, cases))

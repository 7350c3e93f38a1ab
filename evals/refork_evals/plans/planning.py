"""Chooses the plan for the trials of a case under a variant."""

from dataclasses import dataclass
from typing import Final

from refork.case_files.trial_settings import AUTO, MAX_TRIALS, MIN_TRIALS, SMALLEST_DROP
from refork.errors import BadInputError
from refork.records import Case

from refork_evals.plans import BaselinePlan, CandidatePlan, FixedPlan, SequentialPlan, TrialPlan
from refork_evals.plans.shares import share_of_case, share_of_pair
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.decision import ALPHA
from refork_evals.verdicts.verdict import min_pass_rate_of

SMALL_DROP: Final = 0.3
LARGE_BASELINE: Final = 60
"""The baseline trials that a small drop needs: with 30, a drop of 20 points stays undecided in a third of cases."""


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The project's defaults for trials, which a case overrides. ``trials`` is a number or ``auto``."""

    trials: int | str = AUTO
    min_trials: int = MIN_TRIALS
    max_trials: int = MAX_TRIALS
    smallest_drop: float = SMALLEST_DROP
    min_pass_rate: float | None = None
    alpha: float = ALPHA
    confirm: bool = False


@dataclass(frozen=True, kw_only=True)
class Before:
    """The baseline's entry for a case."""

    passes: int
    trials: int


def plan_of(
    case: Case, defaults: Defaults, *, cases: int, before: Before | None = None, gated: bool = False
) -> TrialPlan:
    """The plan of one of ``cases`` cells. ``gated`` says that they share alpha with the test of the whole suite,
    ``before`` what this one is compared with. Raises BadInputError where the bounds contradict each other, or where
    the baseline has too few trials for ``smallest_drop``.
    """
    own = case.min_pass_rate if case.min_pass_rate is not None else defaults.min_pass_rate
    share = share_of_case(defaults.alpha, cases) if gated else defaults.alpha / max(1, cases)
    bounds = bounds_of(case, defaults)
    if before is not None:
        drop = case.smallest_drop if case.smallest_drop is not None else defaults.smallest_drop
        check_drop(drop, before.trials)
        return BaselinePlan(
            before=before.passes,
            trials_before=before.trials,
            bounds=bounds,
            alpha=share,
            smallest_drop=drop,
            alpha_unchanged=defaults.alpha,
            own=own,
            is_confirmed=defaults.confirm,
        )
    rate = min_pass_rate_of(case, defaults.min_pass_rate)
    if is_fixed(case, defaults):
        return FixedPlan(trials=bounds.highest, min_pass_rate=rate, alpha=defaults.alpha, cases=cases)
    return SequentialPlan(bounds=bounds, min_pass_rate=rate, alpha=defaults.alpha, cases=cases)


def check_drop(smallest_drop: float, trials_before: int) -> None:
    """Raise BadInputError if a baseline of so few trials cannot tell so small a drop from none."""
    if smallest_drop < SMALL_DROP and trials_before < LARGE_BASELINE:
        raise BadInputError(
            f"smallest_drop {smallest_drop:g} needs a baseline of at least {LARGE_BASELINE} trials a case, and this "
            f"one has {trials_before}, beside which a drop of 20 points stays open in a third of the cases. Set "
            f"baseline_trials to {LARGE_BASELINE} or more and write the baseline again, or let smallest_drop be "
            f"{SMALL_DROP:g} or more"
        )


def is_fixed(case: Case, defaults: Defaults) -> bool:
    return isinstance(_asked(case, defaults), int)


def bounds_of(case: Case, defaults: Defaults) -> Bounds:
    """Return the bounds: a fixed number with one look, otherwise ``min_trials`` to ``max_trials``."""
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
    """Return the plan of one of all candidates' ``cells``, in one of ``cases`` cases. Raises as :func:`plan_of`
    does.
    """
    plan = plan_of(case, defaults, cases=cells)
    if not isinstance(plan, SequentialPlan):
        return plan
    return CandidatePlan(rate=plan, alpha=share_of_pair(defaults.alpha, cells, cases))

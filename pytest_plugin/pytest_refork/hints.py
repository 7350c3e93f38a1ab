"""What is said at collection of cases that no answers could decide."""

from collections.abc import Sequence
from typing import Final

from refork.variant import CURRENT
from refork_evals.plans import FixedPlan, TrialPlan
from refork_evals.statistics import trials_needed

from pytest_refork.plans import Plans
from pytest_refork.subjects import Subject

_SHOWN: Final = 5


def hints(subjects: Sequence[Subject], plans: Plans) -> list[str]:
    """Which cases can never be decided, those of the same numbers in one line."""
    names: dict[str, list[str]] = {}
    for subject in subjects:
        said = _too_few(plans.of(subject, CURRENT))
        if said:
            names.setdefault(said, []).append(subject.name)
    return [_hint(said, same) for said, same in names.items()]


def _too_few(plan: TrialPlan) -> str:
    missed = plan.too_few
    if not missed:
        return ""
    if isinstance(plan, FixedPlan):
        needed = trials_needed(plan.min_pass_rate, plan.alpha, plan.cases)
        return (
            f"has {plan.trials} trials and can never {missed} at min_pass_rate {plan.min_pass_rate:g}: "
            f"{needed} are needed; raise trials, or change min_pass_rate"
        )
    return f"can never {missed} with so few trials: raise max_trials (or trials)"


def _hint(said: str, names: list[str]) -> str:
    first, *others = names
    more = ", ..." if len(others) > _SHOWN else ""
    also = f" (and so has {', '.join(map(repr, others[:_SHOWN]))}{more})" if others else ""
    return f"agent evals: {first!r} {said}{also}"

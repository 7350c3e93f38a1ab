"""Warns at collection about cases that no answers could decide."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from refork.config import Config
from refork.records.variant import CURRENT
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.plans import BaselinePlan, FixedPlan, TrialPlan

from pytest_refork.option_names import CASE_FILE

_SHOWN: Final = 5


def hints(measured_cases: Sequence[MeasuredCase], plans: CasePlans) -> list[str]:
    """List the cases that can never be decided, one line for all cases with the same numbers."""
    names: dict[str, list[str]] = {}
    for measured_case in measured_cases:
        said = _too_few(plans.of(measured_case, CURRENT))
        if said:
            names.setdefault(said, []).append(measured_case.name)
    return [_hint(said, same) for said, same in names.items()]


def nothing_to_collect(project: Config) -> str:
    """Explain that there are no cases; empty if there are some."""
    cases = project.cases
    if any(cases.glob(f"*/{CASE_FILE}")):
        return ""
    shown = cases.relative_to(Path.cwd()) if cases.is_relative_to(Path.cwd()) else cases
    return f"agent evals: there is no case in {str(shown)!r}; `refork capture RUN` makes one"


def _too_few(plan: TrialPlan) -> str:
    if isinstance(plan, FixedPlan):
        return plan.shortage
    missed = plan.too_few
    said = f"be called {missed}" if isinstance(plan, BaselinePlan) else missed
    return f"can never {said} with so few trials: raise max_trials (or trials)" if missed else ""


def _hint(said: str, names: list[str]) -> str:
    first, *others = names
    more = ", ..." if len(others) > _SHOWN else ""
    also = f" (and so has {', '.join(map(repr, others[:_SHOWN]))}{more})" if others else ""
    return f"agent evals: {first!r} {said}{also}"

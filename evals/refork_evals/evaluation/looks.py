"""Looks at the trials of a cell: where its plan stops, and the second look at a case that dropped.

Where a gate asks again, fresh trials have to show a drop once more before it counts.
"""

from collections.abc import Sequence
from dataclasses import replace

from refork_evals.plans import BaselinePlan, TrialPlan
from refork_evals.results import Cell, Change, ScoredTrial, SecondLook, Verdict
from refork_evals.verdicts.cells import count, decided
from refork_evals.verdicts.decision import CellCounts


def stopped_at(plan: TrialPlan, scored: Sequence[ScoredTrial]) -> int:
    """Return the number of these trials after which the plan alone would have stopped, had nobody requested more."""
    trials = min(plan.first, len(scored))
    while trials < len(scored) and (more := plan.more(count(scored[:trials], None))):
        trials = min(trials + more, len(scored))
    return trials


def more_trials(plan: TrialPlan, scored: Sequence[ScoredTrial]) -> int:
    """Return how many more trials the plan needs after these, including those of a second look."""
    first = scored[: stopped_at(plan, scored)]
    if len(first) == len(scored) and (more := plan.more(count(first, None))):
        return more
    if not _is_suspicious(plan, first):
        return 0
    return _more_of_second(plan, scored[len(first) :])


def confirmed(cell: Cell, plan: TrialPlan, scored: Sequence[ScoredTrial]) -> Cell:
    """Return the cell after the second look, if the first look shows a drop.

    Without a whole second look the first one decides alone, at the level of a gate that does not ask again.
    """
    first = scored[: stopped_at(plan, scored)]
    if not isinstance(plan, BaselinePlan) or not _is_suspicious(plan, first):
        return cell
    rest = scored[len(first) :]
    second = rest[: stopped_at(plan, rest)]
    counts = count(second, None)
    if not counts.measured or _more_of_second(plan, rest):
        return _decided_alone(cell, plan, first)
    return after_second_look(cell, plan, count(first, None), counts)


def after_second_look(cell: Cell, plan: BaselinePlan, first: CellCounts, second: CellCounts) -> Cell:
    """Return the cell whose first look shows a drop, once the second look is complete."""
    look = SecondLook(passes=second.passes, trials=second.scheduled, dropped=plan.suspects(second))
    if look.dropped:
        # Trials beyond those of the second look may hide in the sum what each of the two looks has shown.
        dropped = cell if cell.verdict is Verdict.DROPPED else decided(cell, plan.decide(second))
        return replace(dropped, second_look=look)
    reason = f"{_of(first)} passed, then {_of(second)} when asked again, {_before(plan)}"
    return replace(_undecided(cell, reason), second_look=look)


def _is_suspicious(plan: TrialPlan, first: Sequence[ScoredTrial]) -> bool:
    return isinstance(plan, BaselinePlan) and plan.is_confirmed and plan.suspects(count(first, None))


def _more_of_second(plan: TrialPlan, rest: Sequence[ScoredTrial]) -> int:
    if len(rest) < plan.first:
        return plan.first - len(rest)
    stopped = stopped_at(plan, rest)
    return plan.more(count(rest, None)) if stopped == len(rest) else 0


def _decided_alone(cell: Cell, plan: BaselinePlan, first: Sequence[ScoredTrial]) -> Cell:
    single, counts = plan.unconfirmed, count(first, None)
    if single.suspects(counts):
        return decided(cell, single.decide(counts))
    suspected = "a drop is suspected, and was not asked for again"
    return _undecided(cell, f"{_of(counts)} passed, {_before(plan)}: {suspected}")


def _undecided(cell: Cell, reason: str) -> Cell:
    compared = None if cell.comparison is None else replace(cell.comparison, change=Change.INCONCLUSIVE)
    return replace(cell, verdict=Verdict.INCONCLUSIVE, reason=reason, comparison=compared)


def _of(counts: CellCounts) -> str:
    return f"{counts.passes} of {counts.scheduled}"


def _before(plan: BaselinePlan) -> str:
    return f"before {plan.before} of {plan.trials_before}"

"""The three figures of a session, which are not mixed: what it paid, what it reused, and what whole reruns would
have taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add

from refork.records import Step
from refork.records.outcome import Trial
from refork.records.usage import Money, Spending, WholeReruns, cost, total_cost

from refork_evals.results import Cell, ScoredTrial


@dataclass(frozen=True, kw_only=True)
class Reused:
    """Answers that this session did not pay for, with their tokens and cost of the day they were paid for.

    ``trials`` of ``of`` answered ones came from the cache, paid for between ``oldest`` and ``newest``; ``resumed``
    came from a session that was stopped. ``tokens`` and ``cost_usd`` also cover cached calls within a tail that made
    others; ``cost_usd`` is None if a model has no known price.
    """

    trials: int
    of: int
    oldest: datetime | None
    newest: datetime | None
    resumed: int = 0
    tokens: int = 0
    cost_usd: Money | None = None


def paid(cells: Iterable[Cell]) -> Spending:
    """Return what the calls of this session took. A trial whose tokens are unknown is left out."""
    return _total(_paid_in(cell) for cell in cells)


def reused_spending(cells: Iterable[Cell]) -> Spending:
    """Return what answers that were not paid for in this session took on the day they were."""
    return _total(_reused_in(cell) for cell in cells)


def _paid_in(cell: Cell) -> Spending:
    if cell.paid is not None:
        return cell.paid
    return _total(paid_for(scored.trial, scored.cost_usd) for scored in cell.trials)


def _reused_in(cell: Cell) -> Spending:
    return _total(map(_paid_before, cell.trials)) if cell.reused is None else cell.reused


def reused(cells: Iterable[Cell]) -> Reused | None:
    """Return what was not paid for in this session; None if everything was, or nothing was answered."""
    cells = tuple(cells)
    trials = [scored.trial for cell in cells for scored in cell.trials]
    dates = [trial.answered_at for trial in trials if trial.reused and trial.answered_at is not None]
    resumed = sum(trial.resumed for trial in trials)
    spent = reused_spending(cells)
    if not dates and not resumed and not spent.tokens:
        return None
    return Reused(
        trials=len(dates),
        of=sum(_is_answered(trial) for trial in trials),
        oldest=min(dates, default=None),
        newest=max(dates, default=None),
        resumed=resumed,
        tokens=spent.tokens,
        cost_usd=spent.cost_usd,
    )


def whole_reruns(cells: Iterable[Cell]) -> WholeReruns | None:
    """Return what whole reruns would have taken; None if no cell has a figure."""
    known = [cell.whole_reruns for cell in cells if cell.whole_reruns is not None]
    return reduce(add, known) if known else None


def _total(spent: Iterable[Spending]) -> Spending:
    return reduce(add, spent, Spending())


def paid_for(trial: Trial, cost_usd: Decimal | None) -> Spending:
    """Return what the calls of one trial took that were made in this session. ``cost_usd`` is that of all its calls."""
    if trial.usage is None or trial.reused or trial.resumed:
        return Spending()
    if not trial.reused_steps:
        return Spending(trials=1, tokens=trial.usage.total_tokens, cost_usd=cost_usd)
    return _of_steps(step for step in trial.trajectory if step.number not in trial.reused_steps)


def _paid_before(scored: ScoredTrial) -> Spending:
    trial = scored.trial
    if trial.usage is None:
        return Spending()
    if trial.reused or trial.resumed:
        return Spending(trials=1, tokens=trial.usage.total_tokens, cost_usd=scored.cost_usd)
    return _of_steps(step for step in trial.trajectory if step.number in trial.reused_steps)


def _of_steps(steps: Iterable[Step]) -> Spending:
    """Return what calls within one tail took."""
    usages = [(step.usage, step.model) for step in steps if step.usage is not None]
    if not usages:
        return Spending()
    return Spending(
        trials=1,
        tokens=sum(usage.total_tokens for usage, _ in usages),
        cost_usd=total_cost([Decimal(0), *(cost(usage, model) for usage, model in usages)]),
    )


def _is_answered(trial: Trial) -> bool:
    """Return whether a model answered, even if the application could not use the answer."""
    return trial.answer is not None or trial.reused or (trial.error is not None and trial.error.own)

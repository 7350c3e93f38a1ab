"""Counts, sums and decides the trials of a case under a variant."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from refork.records import Case, Request
from refork.records.usage import WholeReruns, cost, total_cost, total_usage

from refork_evals.plans import FixedPlan, TrialPlan
from refork_evals.results import Cell, ScoredTrial, Verdict
from refork_evals.statistics import check_rate
from refork_evals.verdicts.decision import ALPHA, CellCounts, Decision, interval


def cell_from_scored(
    case: Case,
    variant: str,
    scored: Sequence[ScoredTrial],
    *,
    min_pass_rate: float,
    planned: int | None = None,
    request: Request | None = None,
    alpha: float = ALPHA,
    cases: int = 1,
    plan: TrialPlan | None = None,
    counted: int | None = None,
) -> Cell:
    """Return the cell of scored trials, wherever they were scored.

    ``planned`` is the number of trials that were to run (default: those given); the rest count as unknown.
    ``counted`` is after how many of them the plan stopped, where more were taken for other reasons.
    ``plan`` decides; without one, a number of trials that was fixed beforehand, for one of ``cases`` cells by
    Bonferroni's correction, which is never milder than Holm's: what it calls ``fail`` stays so in
    :func:`refork_evals.verdicts.verdict.evaluate`, and some that it calls inconclusive may become ``fail`` there.
    """
    check_rate(min_pass_rate)
    counts = count(scored, planned)
    if plan is None:
        plan = FixedPlan(trials=counts.scheduled, min_pass_rate=min_pass_rate, alpha=alpha, cases=cases)
    cell = Cell(
        case=case.name,
        variant=variant,
        verdict=Verdict.INCONCLUSIVE,
        min_pass_rate=min_pass_rate,
        passes=counts.passes,
        failures=counts.failures,
        errors=counts.errors,
        missing=counts.missing,
        interval=interval(counts),
        trials=tuple(scored),
        request=request,
        usage=total_usage(each.trial.usage for each in scored),
        cost_usd=_total_cost(scored),
        seconds=sum(each.trial.seconds for each in scored),
        whole_reruns=_whole_reruns(case, scored),
        method=plan.method,
        counted=counted,
    )
    return decided(cell, plan.decide(counts_of(cell)))


def decided(cell: Cell, decision: Decision) -> Cell:
    """Return the cell with a decision, and with the first error if that explains it."""
    first = first_error(cell)
    reason = f"{decision.reason}; the first: {first}" if first and decision.reason else decision.reason
    reason = "; ".join(said for said in (reason, endings_of(cell)) if said)
    return dataclasses.replace(
        cell,
        verdict=decision.verdict,
        p_value=decision.p_value,
        reason=reason,
        comparison=decision.comparison,
    )


def unmeasured_cell(case: Case, variant: str, verdict: Verdict, reason: str, *, min_pass_rate: float) -> Cell:
    """Return the cell of a fork that was stale or broke: none of its trials counts."""
    return Cell(case=case.name, variant=variant, verdict=verdict, min_pass_rate=min_pass_rate, reason=reason)


def counts_of(cell: Cell) -> CellCounts:
    """Return the counts on which the verdict of a cell is based."""
    if cell.counted is not None:
        return count(cell.trials[: cell.counted], None)
    return CellCounts(
        passes=cell.passes,
        failures=cell.failures,
        errors=cell.errors,
        missing=cell.missing,
        unanswered=sum(each.is_unanswered for each in cell.trials),
    )


def count(scored: Sequence[ScoredTrial], planned: int | None) -> CellCounts:
    results = [each.passed for each in scored]
    missing = 0 if planned is None else max(0, planned - len(results))
    return CellCounts(
        passes=results.count(True),
        failures=results.count(False),
        errors=results.count(None),
        missing=missing,
        unanswered=sum(each.is_unanswered for each in scored),
    )


def endings_of(cell: Cell) -> str:
    """Count the answers that did not pass and were cut off, filtered, refused or empty, by how they ended."""
    counts = Counter(each.ending for each in cell.trials if each.ending is not None)
    return ", ".join(f"{number} of {len(cell.trials)} {ending.words}" for ending, number in counts.items())


def first_error(cell: Cell) -> str | None:
    unknown = next((each for each in cell.trials if each.passed is None), None)
    return unknown.reasons[0] if unknown is not None and unknown.reasons else None


def _total_cost(scored: Iterable[ScoredTrial]) -> Decimal | None:
    """Return the US dollars of all trials whose usage is known; None if one of them has no known price."""
    costs = [each.cost_usd for each in scored if each.trial.usage is not None]
    return total_cost(costs) if costs else None


def _whole_reruns(case: Case, scored: Iterable[ScoredTrial]) -> WholeReruns | None:
    """Return the recorded run's own tokens, cost and time, once for each trial that answered, one after another.

    A trial whose usage is unknown is left out, and not counted in ``trials``. None where the recorded run
    has no usage or no times.
    """
    run = case.run
    answered = sum(each.trial.answer is not None and each.trial.usage is not None for each in scored)
    if run.seconds is None or not run.usage.total_tokens or not answered:
        return None
    price = total_cost(cost(step.usage, step.model) for step in run.steps if step.usage is not None)
    return WholeReruns(
        trials=answered,
        tokens=answered * run.usage.total_tokens,
        cost_usd=None if price is None else answered * price,
        seconds=answered * run.seconds,
    )

"""Decides the verdicts of cases and of the whole suite."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from refork.records import Case
from refork.records.outcome import ForkStatus, Outcome
from refork.records.variant import CURRENT

from refork_evals.plans import FixedPlan, TrialPlan
from refork_evals.results import (
    CaseResult,
    Cell,
    Change,
    Fingerprint,
    Gate,
    Method,
    ScoredTrial,
    SuiteResult,
    Verdict,
)
from refork_evals.scorers.protocol import Scorer
from refork_evals.trials import CONCURRENCY, score_recorded, score_trials
from refork_evals.verdicts.cells import cell_from_scored, counts_of, decided, unmeasured_cell
from refork_evals.verdicts.comparison import MARGIN, arms_of, beside_current, compare
from refork_evals.verdicts.decision import ALPHA, CellCounts, decide_all
from refork_evals.verdicts.recommendation import recommend

MIN_PASS_RATE: Final = 0.7
TRIALS: Final = 10

_UNMEASURED: Final = {ForkStatus.STALE: Verdict.STALE, ForkStatus.ERROR: Verdict.ERROR}


def judge_case(
    case: Case,
    outcome: Outcome,
    scorers: Sequence[Scorer],
    *,
    variants: Sequence[str],
    trials: int | None = None,
    min_pass_rate: float | None = None,
    alpha: float = ALPHA,
    cases: int = 1,
    concurrency: int = CONCURRENCY,
) -> CaseResult:
    """Score every trial of a case's fork, and decide a cell for each of ``variants``, in their order.

    ``trials`` and ``min_pass_rate`` are what the case's own are, else the session's (default 10 and 0.7);
    those of the case win. The verdicts are provisional, those of one of ``cases`` cases, until
    :func:`evaluate` has seen all.
    """
    scored = score_trials(case, outcome, scorers, concurrency=concurrency)
    cells = tuple(
        cell_of(
            case,
            outcome,
            variant,
            [each for each in scored if each.trial.variant == variant],
            trials=trials,
            min_pass_rate=min_pass_rate,
            alpha=alpha,
            cases=cases,
        )
        for variant in variants
    )
    return case_result(case, outcome, cells, recorded=score_recorded(case, scorers))


def cell_of(
    case: Case,
    outcome: Outcome,
    variant: str,
    scored: Sequence[ScoredTrial],
    *,
    trials: int | None = None,
    min_pass_rate: float | None = None,
    alpha: float = ALPHA,
    cases: int = 1,
    plan: TrialPlan | None = None,
    planned: int | None = None,
    counted: int | None = None,
) -> Cell:
    """Return the cell of one variant: stale or in error with its fork, otherwise decided from the scored trials.

    ``plan`` decides, of ``planned`` trials that were to run up to now, by the first ``counted`` of them. Without one:
    the fixed number of the case.
    """
    rate = min_pass_rate_of(case, min_pass_rate)
    if outcome.status in _UNMEASURED:
        verdict = _UNMEASURED[outcome.status]
        return unmeasured_cell(case, variant, verdict, outcome.reason, min_pass_rate=rate)
    return cell_from_scored(
        case,
        variant,
        scored,
        min_pass_rate=rate,
        planned=trials_of(case, trials) if plan is None else planned,
        request=outcome.requests.get(variant),
        alpha=alpha,
        cases=cases,
        plan=plan,
        counted=counted,
    )


def case_result(
    case: Case,
    outcome: Outcome | None,
    cells: Sequence[Cell],
    *,
    recorded: ScoredTrial | None = None,
    fingerprint: Fingerprint | None = None,
    place: str = "",
) -> CaseResult:
    """Return the result of a case, including whether it is red at all and which candidates win."""
    result = CaseResult(
        case=case,
        recorded=recorded,
        cells=tuple(cells),
        outcome=outcome,
        not_red=recorded is not None and recorded.passed is True and not case.guard,
        fingerprint=fingerprint,
        place=place,
    )
    return with_cells(result, result.cells)


def with_cells(result: CaseResult, cells: Sequence[Cell]) -> CaseResult:
    """Return the result with other cells, and those among them that fix the case; none if it is not red."""
    current = next((cell for cell in cells if cell.variant == CURRENT), None)
    compared = (
        dataclasses.replace(cell, fixes=not result.not_red and is_fix(cell, current)) for cell in cells
    )
    return dataclasses.replace(result, cells=tuple(compared))


def evaluate(
    results: Sequence[CaseResult],
    *,
    started_at: datetime,
    seconds: float = 0.0,
    alpha: float = ALPHA,
    refork_version: str = "",
    settings: Mapping[str, str] | None = None,
    gate: Gate | None = None,
    margin: float = MARGIN,
) -> SuiteResult:
    """Return the whole session, with every verdict decided again and ``fail`` corrected over the suite.

    ``current`` is corrected over all cases, candidates over all their cells. A cell that was stale or could
    not be measured stays in the count: what a suite is corrected for does not depend on how it went. ``margin`` is
    the difference of two variants that "unchanged" rules out.
    """
    cases = corrected(results, alpha)
    cells = [cell for result in cases for cell in result.cells]
    guards = {result.case.name for result in cases if result.case.guard}
    comparisons = compare(arms_of(cells, guards), alpha=alpha, margin=margin)
    return SuiteResult(
        cases=cases,
        started_at=started_at,
        seconds=seconds,
        alpha=alpha,
        refork_version=refork_version,
        settings=dict(settings or {}),
        gate=gate,
        comparisons=comparisons,
        recommendations=recommend(cases, comparisons),
    )


def corrected(results: Sequence[CaseResult], alpha: float = ALPHA) -> tuple[CaseResult, ...]:
    """Return the results with every verdict decided over its family: all of ``current``, or all candidates.

    So is whether a candidate is better than ``current`` in a case, where the number of trials was fixed.
    """
    cells = [list(result.cells) for result in results]
    places = [(row, column) for row, line in enumerate(cells) for column in range(len(line))]
    for is_current in (True, False):
        family = [
            (row, column) for row, column in places if (cells[row][column].variant == CURRENT) is is_current
        ]
        for (row, column), cell in zip(
            family, _decided([cells[r][c] for r, c in family], alpha), strict=True
        ):
            cells[row][column] = cell
    beside = beside_current([cell for line in cells for cell in line], alpha)
    compared = [[_with_beside(cell, beside) for cell in line] for line in cells]
    return tuple(with_cells(result, line) for result, line in zip(results, compared, strict=True))


def _with_beside(cell: Cell, beside: Mapping[tuple[str, str], Change]) -> Cell:
    change = beside.get((cell.case, cell.variant))
    return cell if change is None else dataclasses.replace(cell, beside=change)


def _decided(family: Sequence[Cell], alpha: float) -> list[Cell]:
    # A cell without trials of its own, or with another rule than this one, has a p-value of 1 here and still
    # counts in the correction.
    fixed = [
        cell.method is Method.FIXED and not cell.cut_short and not is_unmeasured(cell) for cell in family
    ]
    pairs = [
        (counts_of(cell) if is_fixed else CellCounts(), cell.min_pass_rate)
        for cell, is_fixed in zip(family, fixed, strict=True)
    ]
    decisions = zip(family, decide_all(pairs, alpha), fixed, strict=True)
    return [decided(cell, decision) if is_fixed else cell for cell, decision, is_fixed in decisions]


def is_unmeasured(cell: Cell) -> bool:
    """Return whether the cell's verdict comes from its fork and not from trials."""
    return cell.verdict is Verdict.STALE or (cell.verdict is Verdict.ERROR and not cell.trials)


def is_fix(cell: Cell, current: Cell | None) -> bool:
    """Return whether a candidate fixes the case: it passes, and ``current`` was measured and does not pass.

    Where ``current`` passes too there is nothing to fix; where it was not measured, nothing to compare. The candidate
    also has to be shown to be better in this case: two verdicts are no test of it. Where the number of trials was
    fixed, that is known once all cases are, so until then the higher pass rate stands for it; but not where ``current``
    was compared with a baseline, and so tested for something else.
    """
    if current is None or current.verdict is Verdict.PASS or not current.verdict.is_measured:
        return False
    return cell.verdict is Verdict.PASS and _is_better(cell, current)


def _is_better(cell: Cell, current: Cell) -> bool:
    if cell.beside is not None:
        return cell.beside is Change.IMPROVED
    is_one_kind = current.method is not Method.BASELINE
    return is_one_kind and (cell.pass_rate or 0.0) > (current.pass_rate or 0.0)


def min_pass_rate_of(case: Case, default: float | None = None) -> float:
    return (
        case.min_pass_rate
        if case.min_pass_rate is not None
        else MIN_PASS_RATE
        if default is None
        else default
    )


def trials_of(case: Case, default: int | None = None) -> int:
    """Return the fixed number of trials of a case; the default if it has none."""
    return case.trials if isinstance(case.trials, int) else TRIALS if default is None else default


def too_few_trials(
    case: Case,
    trials: int | None = None,
    alpha: float = ALPHA,
    cases: int = 1,
    min_pass_rate: float | None = None,
) -> str | None:
    """Warn at collection about a case with too few trials to be decided; None if there are enough.

    ``trials`` and ``min_pass_rate`` are the session's, which the case overrides. ``cases`` is the number of cells
    over which the case's verdict is corrected.
    """
    planned, rate = trials_of(case, trials), min_pass_rate_of(case, min_pass_rate)
    said = FixedPlan(trials=planned, min_pass_rate=rate, alpha=alpha, cases=cases).shortage
    return f"{case.name!r} {said}" if said else None

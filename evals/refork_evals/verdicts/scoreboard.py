"""Sums up each prompt of an agent over all of the agent's cases."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from refork.records.usage import Money, total_cost
from refork.records.variant import CURRENT

from refork_evals.results import WORST_FIRST, CaseResult, Cell, SuiteResult, Verdict
from refork_evals.results.recommendation import CandidateEffect, Recommendation
from refork_evals.results.scoreboard import Scoreboard, ScoreboardRow, Standing, TrialCounts
from refork_evals.verdicts.decision import CellCounts, interval
from refork_evals.verdicts.recommendation import judge_agents

_RANK: Final = {standing: rank for rank, standing in enumerate(Standing)}


def scoreboards(evaluation: SuiteResult) -> tuple[Scoreboard, ...]:
    """Return the scoreboard of every agent whose cases were run, in the order of the evaluation.

    A variant that changes what went before is no prompt, and has no row.
    """
    found = judge_agents(evaluation.cases, evaluation.comparisons)
    boards = [_scoreboard(each, evaluation.cases) for each in found]
    return tuple(board for board in boards if board.rows)


def _scoreboard(judged: Recommendation, results: Sequence[CaseResult]) -> Scoreboard:
    cases = [result for result in results if result.case.agent == judged.agent]
    current = [cell for result in cases if (cell := result.cell(CURRENT))]
    rows = [_current_row(current)] if current else []
    candidates = [_candidate_row(effect, judged, cases) for effect in judged.candidates]
    rows += sorted(candidates, key=lambda row: _RANK[row.standing] if row.standing else 0)
    return Scoreboard(agent=judged.agent, rows=tuple(rows))


def _current_row(cells: Sequence[Cell]) -> ScoreboardRow:
    found = {cell.verdict for cell in cells}
    worst = next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.INCONCLUSIVE)
    return _row(CURRENT, cells, _counts(cells), verdict=worst)


def _candidate_row(
    effect: CandidateEffect, judged: Recommendation, cases: Sequence[CaseResult]
) -> ScoreboardRow:
    pairs = [(cell, result.cell(CURRENT)) for result in cases if (cell := result.cell(effect.variant))]
    return _row(
        effect.variant,
        [cell for cell, _ in pairs],
        _counts([current for _, current in pairs if current is not None]),
        standing=_standing(effect, judged),
        effect=effect,
    )


def _standing(effect: CandidateEffect, judged: Recommendation) -> Standing:
    if effect.variant == judged.variant:
        return Standing.TAKE
    if effect.harms:
        return Standing.HARMS
    if effect.improves:
        return Standing.FIXES
    if effect.unshown:
        return Standing.UNSHOWN
    return Standing.FIXES_NONE if judged.failures else Standing.NOTHING_TO_FIX


def _row(
    variant: str,
    cells: Sequence[Cell],
    current: TrialCounts,
    *,
    verdict: Verdict | None = None,
    standing: Standing | None = None,
    effect: CandidateEffect | None = None,
) -> ScoreboardRow:
    """Return the row of cells.

    The interval takes all trials as one sample. Where the cases pass at different rates it is a little too wide,
    since trials that are planned by case vary less than trials of cases drawn at random.
    """
    trials = _counts(cells)
    needed = {cell.min_pass_rate for cell in cells if cell.comparison is None}
    is_needed = len(needed) == 1 and all(cell.comparison is None for cell in cells)
    answered = [each.trial.seconds for cell in cells for each in cell.trials if each.trial.answer is not None]
    return ScoreboardRow(
        variant=variant,
        cases=len(cells),
        good=sum(cell.verdict.is_good for cell in cells),
        bad=sum(cell.verdict.is_bad for cell in cells),
        trials=trials,
        current=current,
        verdict=verdict,
        standing=standing,
        effect=effect,
        interval=interval(
            CellCounts(passes=trials.passes, failures=trials.failures, errors=trials.unmeasured)
        ),
        needed=needed.pop() if is_needed else None,
        cost_per_call=_cost_per_call(cells),
        median_seconds=median(answered) if answered else None,
    )


def _counts(cells: Sequence[Cell]) -> TrialCounts:
    return TrialCounts(
        passes=sum(cell.passes for cell in cells),
        failures=sum(cell.failures for cell in cells),
        unmeasured=sum(cell.errors + cell.missing for cell in cells),
    )


def _cost_per_call(cells: Sequence[Cell]) -> Money | None:
    called = [cell for cell in cells if cell.usage.calls]
    total = total_cost(cell.cost_usd for cell in called)
    return total / sum(cell.usage.calls for cell in called) if called and total is not None else None

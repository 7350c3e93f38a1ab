"""Shows the scoreboard: a table for each agent, with a row for each of its prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import SuiteResult, Verdict
from refork_evals.results.scoreboard import Scoreboard, ScoreboardRow, Standing
from refork_evals.verdicts.scoreboard import scoreboards

from refork_reports.sentences import scoreboard as words
from refork_reports.views.trials.placed_cells import Bar


@dataclass(frozen=True, kw_only=True)
class PromptRow:
    """A prompt in words. ``kind`` determines its icon and colour, ``bar`` draws its pass rate."""

    variant: str
    is_taken: bool
    kind: Verdict
    verdict: str
    fixed: str
    broken: str
    bar: Bar | None
    passes: str
    rate: str
    cost: str
    latency: str


@dataclass(frozen=True, kw_only=True)
class PromptTable:
    """The prompts of an agent, ``current`` first. ``cases`` says how many cases they were run on."""

    agent: str
    cases: str
    rows: tuple[PromptRow, ...]


def prompt_tables(evaluation: SuiteResult) -> tuple[PromptTable, ...]:
    """Return a table for each agent, in the order of the evaluation."""
    return tuple(_table(board) for board in scoreboards(evaluation))


def _table(board: Scoreboard) -> PromptTable:
    return PromptTable(agent=board.agent or "", cases=_cases(board.rows), rows=tuple(map(_row, board.rows)))


def _cases(rows: Sequence[ScoreboardRow]) -> str:
    return humanize.plural(max(row.cases for row in rows), "case")


def _row(row: ScoreboardRow) -> PromptRow:
    trials, interval = row.trials, row.interval
    return PromptRow(
        variant=row.variant,
        is_taken=row.standing is Standing.TAKE,
        kind=words.kind(row),
        verdict=words.verdict(row),
        fixed=words.fixed(row),
        broken=words.broken(row),
        bar=_bar(row),
        passes=f"{trials.passes:,}/{trials.scheduled:,}" if trials.scheduled else humanize.UNKNOWN,
        rate=humanize.interval(interval.low, interval.high) if interval else "",
        cost=humanize.money(row.cost_per_call),
        latency=humanize.duration(row.median_seconds),
    )


def _bar(row: ScoreboardRow) -> Bar | None:
    trials, interval = row.trials, row.interval
    if interval is None:
        return None
    rate, unknown = trials.passes / trials.scheduled, trials.unmeasured / trials.scheduled
    who = "current" if row.variant == CURRENT else row.variant
    needed = f"; {humanize.percent(row.needed)} needed" if row.needed is not None else ""
    within = f"between {humanize.percent(interval.low)} and {humanize.percent(interval.high)}"
    return Bar(
        rate=100 * rate,
        unknown=100 * unknown,
        low=100 * interval.low,
        high=100 * interval.high,
        needed=None if row.needed is None else 100 * row.needed,
        text=f"{who}: {humanize.percent(rate)} passed, {within}{needed}",
    )

"""The section *Over time* of the report: the pass rates of earlier sessions, if there is a history."""

from typing import Final

from refork.records.variant import CURRENT
from refork.text.numbers import interval, percent, plural
from refork_evals.results import SuiteResult

from refork_reports.history.changes import Series, all_series
from refork_reports.history.words import change_words, place_words
from refork_reports.sections import Section, Sparkline

MOST_POINTS: Final = 30
MOST_ROWS: Final = 100
_COLUMNS: Final = ("case", "variant", "pass rate over time", "now", "last change")


def over_time(evaluation: SuiteResult) -> Section | None:
    """Return a row for each case and variant of this session that an earlier session measured, too."""
    here = {(cell.case, cell.variant) for cell in evaluation.cells}
    found = [
        series
        for series in all_series(evaluation.history)
        if (series.case, series.variant) in here and sum(rate is not None for rate in series.rates) > 1
    ]
    if not found:
        return None
    found.sort(key=lambda series: (series.variant != CURRENT, series.last_change is None))
    return Section(
        title="Over time",
        columns=_COLUMNS,
        rows=[_row(series) for series in found[:MOST_ROWS]],
        note=_note(len(evaluation.history), len(found) - MOST_ROWS),
    )


def _row(series: Series) -> tuple[str | Sparkline, ...]:
    points = series.points[-MOST_POINTS:]
    rates = [point.cell.pass_rate for point in points]
    now, change = points[-1].cell, series.last_change
    around = "" if now.interval is None else f" ({interval(now.interval.low, now.interval.high)})"
    return (
        series.case,
        series.variant,
        Sparkline(
            values=rates,
            limit=now.min_pass_rate,
            text=f"pass rates of {plural(len(rates), 'session')}, the oldest first: {', '.join(map(percent, rates))}",
        ),
        f"{now.verdict.value}, {percent(now.pass_rate)}{around}",
        "" if change is None else f"{change_words(change)} {place_words(change.session)}",
    )


def _note(sessions: int, left_out: int) -> str:
    more = f" {plural(left_out, 'more row')} in `refork history`." if left_out > 0 else ""
    return (
        f"{plural(sessions, 'session')} of the history, at most {MOST_POINTS} of them drawn; the dashed line is the "
        "needed rate. A last change is the newest session whose verdict flipped, or whose rate differs from that of "
        f"the session before (95% interval): a description, not a test.{more}"
    )

"""The table of cases and variants for a terminal: the worst cases first, and no more rows than fit on a screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from refork.records.variant import CURRENT, RECORDED
from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork_evals.results import WORST_FIRST, CaseResult, Cell, SuiteResult
from refork_evals.results.totals import shown_cost
from rich.cells import cell_len

from refork_reports.formats.terminal_lines import ICONS, Line, Segment, Style
from refork_reports.sentences import claims, phrases
from refork_reports.sentences.statistics import margins

MOST_ROWS: Final = 20
"""Rows of cells that a terminal shows; the others are counted."""
_GAP: Final = "  "
_HEADINGS: Final = ("case", "variant", "verdict", "passes", "before", "interval", "tokens", "cost")
_RIGHT: Final = frozenset({"passes", "before", "interval", "tokens", "cost"})
_DROPPED_FIRST: Final = ("tokens", "cost", "interval")
_NARROWEST_NAMES: Final = {"case": 14, "variant": 10}
"""The columns that names keep before others are dropped."""
_LEAST: Final = {"case": 8, "variant": 6, "verdict": 14}
"""The columns that are left to names and verdicts in the narrowest terminal."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    texts: dict[str, str]
    style: Style


def worst_first(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the cases by the verdict of ``current``: what fails first, what passes last."""
    return sorted(results, key=_rank)


def _rank(result: CaseResult) -> int:
    current = result.cell(CURRENT)
    return len(WORST_FIRST) if current is None else WORST_FIRST.index(current.verdict)


def table(evaluation: SuiteResult, width: int, *, rest_is: str = "") -> list[Line]:
    """Return the table, and how many rows more there are. ``rest_is`` says where these can be read.

    If not all fit, recorded answers have no row.
    """
    results = worst_first(evaluation.cases)
    rows = [row for result in results for row in _rows(result)]
    if len(rows) > MOST_ROWS:
        rows = [row for result in results for row in _rows(result, recorded=False)]
    if not rows:
        return []
    shown, rest = rows[:MOST_ROWS], len(rows) - MOST_ROWS
    widths = _widths(shown, width)
    heading = _Row(texts=dict(zip(_HEADINGS, _HEADINGS, strict=True)), style="dim")
    lines = [_line(row, widths) for row in [heading, *shown]]
    return [*lines, (Segment(f"{_more(rest)}{rest_is}", "dim"),)] if rest > 0 else lines


def _more(rest: int) -> str:
    return f"… and {humanize.plural(rest, 'row')} more"


def _rows(result: CaseResult, *, recorded: bool = True) -> list[_Row]:
    """Return the rows of a case. The first one has its name, the second one says whether it is a guard."""
    rows = [_recorded_row(result)] if recorded and result.recorded is not None else []
    rows += [_cell_row(cell) for cell in result.cells]
    guard = "(guard)" if result.case.guard else ""
    names = (
        [f"{escape_controls(result.case.name)} {guard}".rstrip()]
        if len(rows) == 1
        else [escape_controls(result.case.name), guard]
    )
    for row, name in zip(rows, names, strict=False):
        row.texts["case"] = name
    return rows


def _recorded_row(result: CaseResult) -> _Row:
    said = phrases.recorded_says(result)
    texts = dict.fromkeys(_HEADINGS, "") | {"variant": RECORDED, "verdict": f"  {said}"}
    return _Row(texts=texts, style="inconclusive" if phrases.doubt_of(result) else "dim")


def _cell_row(cell: Cell) -> _Row:
    said = claims.mark(cell)
    fix = f" ({said})" if said else ""
    texts = {
        "case": "",
        "variant": escape_controls(cell.variant),
        "verdict": f"{ICONS[cell.verdict]} {cell.verdict.value}{fix}",
        "passes": phrases.shown_trials(cell),
        "before": margins.before(cell),
        "interval": phrases.shown_interval(cell),
        "tokens": humanize.tokens(cell.usage.total_tokens if cell.usage.calls else None),
        "cost": humanize.money(shown_cost(cell)),
    }
    return _Row(texts=texts, style=cell.verdict.value)


def _widths(rows: list[_Row], width: int) -> dict[str, int]:
    """Return the widths of columns. Drops the least important columns until the others fit with shortened names."""
    shown = [name for name in _HEADINGS if name != "before" or any(row.texts[name] for row in rows[1:])]
    natural = {name: max(cell_len(name), *(cell_len(row.texts[name]) for row in rows)) for name in shown}
    least = {name: min(room, _NARROWEST_NAMES.get(name, room)) for name, room in natural.items()}
    for name in _DROPPED_FIRST:
        if _total(least) > width:
            del least[name]
    if "before" in least and _total(_squeezed(least)) > width:
        del least["before"]
    widths = {name: natural[name] for name in least}
    for limits in (least, _squeezed(least)):
        for name in _LEAST:
            widths[name] = max(limits[name], widths[name] - max(0, _total(widths) - width))
    return widths


def _squeezed(widths: Mapping[str, int]) -> dict[str, int]:
    return {name: min(room, _LEAST.get(name, room)) for name, room in widths.items()}


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _line(row: _Row, widths: dict[str, int]) -> Line:
    segments = [Segment(_fitted(row, name, room) + _GAP, _style(row, name)) for name, room in widths.items()]
    while segments and not segments[-1].text.strip():
        segments.pop()
    last = segments.pop()
    return (*segments, Segment(last.text.rstrip(), last.style))


def _fitted(row: _Row, name: str, room: int) -> str:
    text = humanize.shorten_middle(row.texts[name], room)
    padding = " " * (room - cell_len(text))
    return padding + text if name in _RIGHT else text + padding


def _style(row: _Row, name: str) -> Style:
    if row.style == "dim":
        return "dim"
    if name == "case":
        return "heading"
    return row.style if name == "verdict" else "plain"

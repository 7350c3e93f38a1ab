"""The summary for a terminal, as styled segments. The code that prints it chooses the colours."""

from dataclasses import dataclass
from textwrap import wrap
from typing import Final, Literal, NamedTuple, TypeAlias

from refork.records.variant import RECORDED
from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork_evals.results import CaseResult, Cell, Change, SuiteResult, Verdict
from refork_evals.results.totals import shown_cost, totals
from rich.cells import cell_len

from refork_reports.sentences import claims, comparisons, margins, phrases, spending
from refork_reports.sentences import gate as gate_words
from refork_reports.sentences.independence import dependence_notes
from refork_reports.views.diffs import prompt_diff

Style = Literal[
    "plain", "dim", "heading", "pass", "fail", "held", "dropped", "inconclusive", "error", "stale"
]


class Segment(NamedTuple):
    """A stretch of text without line feeds, and the name of its style."""

    text: str
    style: Style = "plain"


Line: TypeAlias = tuple[Segment, ...]

MARKUP: Final[dict[Style, dict[str, bool]]] = {
    "plain": {},
    "dim": {"light": True},
    "heading": {"bold": True},
    "pass": {"green": True},
    "fail": {"red": True},
    "held": {"green": True},
    "dropped": {"red": True},
    "inconclusive": {"yellow": True},
    "error": {"red": True, "bold": True},
    "stale": {"cyan": True},
}
"""A style as keyword arguments of pytest's ``TerminalReporter.write``."""

NARROWEST: Final = 60
_ICONS: Final[dict[str, str]] = {
    "pass": "✓",
    "fail": "✗",
    "held": "✓",
    "dropped": "✗",
    "inconclusive": "?",
    "error": "!",
    "stale": "~",
}
_ASCII: Final = str.maketrans(
    {"✓": "+", "✗": "x", "–": "-", "−": "-", "…": "~", "·": "-", "×": "x", "⟨": "<", "⟩": ">"}
)
_CHANGES: Final[dict[Change, Style]] = {
    Change.IMPROVED: "pass",
    Change.REGRESSED: "fail",
    Change.TRADE_OFF: "inconclusive",
}
_GAP: Final = "  "
_HEADINGS: Final = ("case", "variant", "verdict", "passes", "before", "interval", "tokens", "cost")
_RIGHT: Final = frozenset({"passes", "before", "interval", "tokens", "cost"})
_DROPPED_FIRST: Final = ("tokens", "cost", "interval")
_NARROWEST_NAMES: Final = {"case": 14, "variant": 10}


@dataclass(frozen=True, kw_only=True)
class _Row:
    texts: dict[str, str]
    style: Style


def summary(evaluation: SuiteResult, *, width: int = 80, ascii_only: bool = False) -> list[Line]:
    """Return the table of cases and variants, remarks, and the cost. No line is wider than ``width``.

    ``width`` is in columns, at least 60. ``ascii_only`` is for terminals that cannot show more.
    """
    width = max(width, NARROWEST)
    lines = [
        *_table(evaluation, width),
        *(line for result in evaluation.cases for line in _notes_of(result, width)),
        *_doubtful(evaluation, width),
        *_compared(evaluation, width),
        *_recommended(evaluation, width),
        *_closing(evaluation, width),
        *_gate(evaluation, width),
    ]
    return [tuple(_plain(segment) for segment in line) for line in lines] if ascii_only else lines


def _table(evaluation: SuiteResult, width: int) -> list[Line]:
    rows = [row for result in evaluation.cases for row in _rows(result)]
    if not rows:
        return []
    widths = _widths(rows, width)
    heading = _Row(texts=dict(zip(_HEADINGS, _HEADINGS, strict=True)), style="dim")
    return [_line(row, widths) for row in [heading, *rows]]


def _rows(result: CaseResult) -> list[_Row]:
    """Return the rows of a case. The first one has its name, the second one says whether it is a guard."""
    rows = [_recorded_row(result)] if result.recorded is not None else []
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
        "verdict": f"{_ICONS[cell.verdict]} {cell.verdict.value}{fix}",
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
    widths = {name: natural[name] for name in least}
    for name in _NARROWEST_NAMES:
        widths[name] = max(least[name], widths[name] - max(0, _total(widths) - width))
    return widths


def _total(widths: dict[str, int]) -> int:
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


def _notes_of(result: CaseResult, width: int) -> list[Line]:
    """Return the reasons to print. A reason that all variants of a case share is printed once."""
    said: dict[tuple[Verdict, str], list[str]] = {}
    for cell in result.cells:
        if cell.reason and not cell.verdict.is_decided:
            said.setdefault((cell.verdict, cell.reason), []).append(cell.variant)
    lines: list[Line] = []
    for (verdict, reason), variants in said.items():
        of = "" if len(variants) == len(result.cells) else f" ({', '.join(variants)})"
        lines += _wrapped(f"{_ICONS[verdict]} {result.case.name}{of}: {reason}", width, verdict.value)
    if doubt := phrases.doubt_of(result):
        why = f"{result.case.name} is {doubt}: {phrases.about_doubt(result)}"
        lines += _wrapped(f"{_ICONS['inconclusive']} {why}", width)
    return lines


def _doubtful(evaluation: SuiteResult, width: int) -> list[Line]:
    """Return the notes that trials may not be independent."""
    said = [f"{_ICONS['inconclusive']} {note}" for note in dependence_notes(evaluation)]
    return [line for note in said for line in _wrapped(note, width)]


def _closing(evaluation: SuiteResult, width: int) -> list[Line]:
    summed = totals(evaluation)
    lines = [line for said in spending.lines(summed) for line in _wrapped(said, width, "heading")]
    if not lines and summed.unpriced_models:
        return _wrapped(spending.no_price(summed.unpriced_models), width, "dim")
    return lines


def _compared(evaluation: SuiteResult, width: int) -> list[Line]:
    """Return one line for each candidate; none for a single case, which the table describes completely."""
    return [
        line
        for found in evaluation.comparisons
        if found.cases > 1
        for line in _wrapped(comparisons.line(found), width, _CHANGES.get(found.change, "plain"))
    ]


def _recommended(evaluation: SuiteResult, width: int) -> list[Line]:
    """Return the prompt to take, or the reason why there is none."""
    return [
        line
        for said, found in zip(
            claims.lines(evaluation.recommendations), evaluation.recommendations, strict=True
        )
        for line in _wrapped(said, width, "pass" if found.recommended else "plain")
    ]


def _gate(evaluation: SuiteResult, width: int) -> list[Line]:
    gate = evaluation.gate
    if gate is None:
        return []
    lines = _wrapped(gate_words.verdict_line(gate), width, "pass" if gate.passes else "fail", indent="  ")
    for case in gate_words.notable_findings(gate):
        style: Style = "fail" if case.blocks else "inconclusive"
        lines += _wrapped(f"  {case.case}: {case.finding.value}: {case.said}", width, style, indent="    ")
        if case.blocks and case.command:
            lines += _wrapped(f"    {case.command}", width, "dim", indent="      ")
    said = gate_words.suite_line(gate)
    lines += _wrapped(f"  {said}", width, "fail", indent="    ") if said else []
    for note in gate_words.notes(gate):
        lines += _wrapped(f"  {note}", width, "dim", indent="    ")
    return lines


def _wrapped(text: str, width: int, style: Style = "inconclusive", indent: str = "  ") -> list[Line]:
    # Half the width for text whose characters may take two columns each.
    shown = escape_controls(text)
    room = width if cell_len(shown) == len(shown) else width // 2
    return [(Segment(line, style),) for line in wrap(shown, room, subsequent_indent=indent)]


def _plain(segment: Segment) -> Segment:
    text = "".join(
        character if character.isascii() else "?" * cell_len(character)
        for character in segment.text.translate(_ASCII)
    )
    return Segment(text, segment.style)


__all__ = ["MARKUP", "NARROWEST", "Line", "Segment", "Style", "prompt_diff", "summary"]

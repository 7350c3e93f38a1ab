"""The summary for a terminal: the headline, the table of cases and variants, remarks, and what it cost."""

from collections.abc import Sequence
from typing import Final

from refork_evals.results import CaseResult, Change, SuiteResult, Verdict
from refork_evals.results.totals import totals

from refork_reports.formats.terminal_lines import ICONS, MARKUP, Line, Segment, Style, in_ascii, wrapped
from refork_reports.formats.terminal_table import table, worst_first
from refork_reports.sentences import claims, phrases, spending
from refork_reports.sentences import gate as gate_words
from refork_reports.sentences.headline import headline
from refork_reports.sentences.statistics import comparisons
from refork_reports.sentences.statistics.independence import dependence_notes

NARROWEST: Final = 40
_MOST_REMARKS: Final = 10
"""Remarks about cases that are printed; the others are counted. So it is of findings of the gate."""
_CHANGES: Final[dict[Change, Style]] = {
    Change.IMPROVED: "pass",
    Change.REGRESSED: "fail",
    Change.TRADE_OFF: "inconclusive",
}


def summary(
    evaluation: SuiteResult,
    *,
    width: int = 80,
    ascii_only: bool = False,
    report: str = "",
    verdict: Verdict | None = None,
) -> list[Line]:
    """Return the headline, the table of cases and variants, remarks, and the cost. No line is wider than ``width``.

    ``width`` is in columns, at least 40. ``ascii_only`` is for terminals that cannot show more. ``report`` names
    the page on which everything can be read that is left out here. ``verdict`` is the headline's, if it is not that of
    ``current``.
    """
    if not evaluation.cases:
        return []
    width = max(width, NARROWEST)
    rest_is = f", in {report}" if report else ""
    lines = [
        *_headline(evaluation, width, verdict),
        *table(evaluation, width, rest_is=rest_is),
        *_remarks(evaluation, width, rest_is),
        *_doubtful(evaluation, width),
        *_compared(evaluation, width),
        *_closing(evaluation, width),
        *_gate(evaluation, width, rest_is),
    ]
    return [tuple(in_ascii(segment) for segment in line) for line in lines] if ascii_only else lines


def _headline(evaluation: SuiteResult, width: int, verdict: Verdict | None) -> list[Line]:
    found = headline(evaluation)
    decided = verdict or found.verdict
    first = wrapped(f"{ICONS[decided]} {found.text}", width, decided.value)
    more = [line for said in found.more for line in wrapped(said, width, "plain")]
    tests = [
        line for said in claims.tests(evaluation.recommendations) for line in wrapped(said, width, "dim")
    ]
    return [*first, *more, *tests, ()]


def _remarks(evaluation: SuiteResult, width: int, rest_is: str) -> list[Line]:
    found = [remark for result in worst_first(evaluation.cases) for remark in _notes_of(result)]
    return _first(found, width, "remark", rest_is)


def _first(remarks: Sequence[tuple[str, Style]], width: int, noun: str, rest_is: str) -> list[Line]:
    lines = [line for said, style in remarks[:_MOST_REMARKS] for line in wrapped(said, width, style)]
    rest = len(remarks) - _MOST_REMARKS
    more = f"… and {rest} more {noun}{'s' if rest > 1 else ''}{rest_is}"
    return [*lines, *(wrapped(more, width, "dim") if rest > 0 else ())]


def _notes_of(result: CaseResult) -> list[tuple[str, Style]]:
    """Return the reasons to print. A reason that all variants of a case share is printed once."""
    said: dict[tuple[Verdict, str], list[str]] = {}
    for cell in result.cells:
        if cell.reason and not cell.verdict.is_decided:
            said.setdefault((cell.verdict, cell.reason), []).append(cell.variant)
    remarks: list[tuple[str, Style]] = []
    for cell in result.cells:
        if cell.changes:
            remarks.append((f"{result.case.name} ({cell.variant}): {cell.changes}", "dim"))
    for (verdict, reason), variants in said.items():
        of = "" if len(variants) == len(result.cells) else f" ({', '.join(variants)})"
        remarks.append((f"{ICONS[verdict]} {result.case.name}{of}: {reason}", verdict.value))
    if doubt := phrases.doubt_of(result):
        why = f"{result.case.name} is {doubt}: {phrases.about_doubt(result)}"
        remarks.append((f"{ICONS['inconclusive']} {why}", "inconclusive"))
    return remarks


def _doubtful(evaluation: SuiteResult, width: int) -> list[Line]:
    """Return the notes that trials may not be independent."""
    said = [f"{ICONS['inconclusive']} {note}" for note in dependence_notes(evaluation)]
    return [line for note in said for line in wrapped(note, width)]


def _closing(evaluation: SuiteResult, width: int) -> list[Line]:
    summed = totals(evaluation)
    lines = [line for said in spending.lines(summed) for line in wrapped(said, width, "heading")]
    if not lines and summed.unpriced_models:
        return wrapped(spending.no_price(summed.unpriced_models), width, "dim")
    return lines


def _compared(evaluation: SuiteResult, width: int) -> list[Line]:
    """Return one line for each candidate; none for a single case, which the table describes completely."""
    return [
        line
        for found in evaluation.comparisons
        if found.cases > 1
        for line in wrapped(comparisons.line(found), width, _CHANGES.get(found.change, "plain"))
    ]


def _gate(evaluation: SuiteResult, width: int, rest_is: str) -> list[Line]:
    gate = evaluation.gate
    if gate is None:
        return []
    lines = wrapped(gate_words.verdict_line(gate), width, "pass" if gate.passes else "fail", indent="  ")
    findings = list(gate_words.notable_findings(gate))
    for case in findings[:_MOST_REMARKS]:
        style: Style = "fail" if case.blocks else "inconclusive"
        lines += wrapped(f"  {case.case}: {case.finding.value}: {case.said}", width, style, indent="    ")
        if case.blocks and case.command:
            lines += wrapped(f"    {case.command}", width, "dim", indent="      ")
    if len(findings) > _MOST_REMARKS:
        lines += wrapped(f"  … and {len(findings) - _MOST_REMARKS} more{rest_is}", width, "dim")
    said = gate_words.suite_line(gate)
    lines += wrapped(f"  {said}", width, "fail", indent="    ") if said else []
    for note in gate_words.notes(gate):
        lines += wrapped(f"  {note}", width, "dim", indent="    ")
    return lines


__all__ = ["MARKUP", "NARROWEST", "Line", "Segment", "Style", "summary"]

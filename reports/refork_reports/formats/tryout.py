"""The answer to a question, for a terminal and as JSON: what was tried, how it did, and what it said."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork.text.lines import one_line
from refork_evals.results import CaseResult, Cell, Verdict
from refork_evals.results.totals import shown_cost

from refork_reports.formats.terminal import Line, Segment, Style, summary
from refork_reports.sentences import phrases
from refork_reports.tryout.proposals import words
from refork_reports.tryout.question import Findings, OutputGroup, outputs

MOST_GROUPS: Final = 3
"""Different outputs of a variant that are shown; the others are counted."""
_LONGEST: Final = 400


def lines(findings: Findings, *, width: int = 80) -> list[Line]:
    """Write the answer for a terminal of ``width`` columns: the variants in words, the verdicts, and the outputs."""
    return [
        *_legend(findings),
        *(_verdicts(findings, width) if findings.question.is_judged else ()),
        *(line for found, cell in findings.cells for line in _cell(findings, found, cell, width)),
    ]


def _verdicts(findings: Findings, width: int) -> list[Line]:
    """The verdicts under a headline that follows the exit code: whether a variant passes, whatever ``current`` does."""
    return summary(findings.result, width=width, verdict=Verdict.PASS if findings.passing else Verdict.FAIL)


def document(findings: Findings) -> dict[str, Any]:
    """The answer as plain values, for other programs."""
    return {
        "judged": findings.question.is_judged,
        "passing": [*findings.passing],
        "variants": {each.name: words(each) for each in findings.question.variants},
        "cases": [
            {
                "run": found.case.run.id,
                "step": found.case.step,
                "variants": [_cell_document(findings, cell) for cell in found.cells],
            }
            for found in findings.result.cases
        ],
    }


def _cell_document(findings: Findings, cell: Cell) -> dict[str, Any]:
    cost = shown_cost(cell)
    judged = {"verdict": cell.verdict.value, "passes": cell.passes} if findings.question.is_judged else {}
    return {
        "variant": cell.variant,
        **judged,
        "reason": cell.reason,
        "trials": len(cell.trials),
        "tokens": cell.usage.total_tokens if cell.usage.calls else None,
        "cost_usd": None if cost is None else str(cost),
        "outputs": [
            {"text": group.text, "count": group.count, "passed": group.passed, "reasons": [*group.reasons]}
            if findings.question.is_judged
            else {"text": group.text, "count": group.count}
            for group in outputs(cell)
        ],
    }


def _legend(findings: Findings) -> Iterator[Line]:
    variants = findings.question.variants
    if not variants:
        return
    room = max(len(each.name) for each in variants)
    for each in variants:
        yield (Segment(f"{each.name:<{room}}  ", "heading"), Segment(escape_controls(words(each)), "dim"))
    yield (Segment(""),)


def _cell(findings: Findings, found: CaseResult, cell: Cell, width: int) -> Iterator[Line]:
    several = len(findings.result.cases) > 1
    groups = outputs(cell)
    name = f"{escape_controls(found.case.name)} · {cell.variant}" if several else cell.variant
    spent = "" if findings.question.is_judged else f"  {_spent(cell)}"
    yield (Segment(""),)
    yield (Segment(name, "heading"), Segment(f"  {_distinct(groups)}{spent}", "dim"))
    if not groups and cell.reason:
        yield (Segment(f"  {one_line(escape_controls(cell.reason), width - 2)}", "error"),)
    for group in groups[:MOST_GROUPS]:
        yield from _group(findings, group, len(cell.trials), width)
    if len(groups) > MOST_GROUPS:
        rest = sum(group.count for group in groups[MOST_GROUPS:])
        yield (Segment(f"  and {humanize.plural(rest, 'other answer')}: --json shows all", "dim"),)


def _group(findings: Findings, group: OutputGroup, trials: int, width: int) -> Iterator[Line]:
    style: Style = "plain"
    if findings.question.is_judged:
        style = "pass" if group.passed else "fail" if group.passed is False else "inconclusive"
    count = f"{group.count} of {trials}  "
    text = one_line(escape_controls(group.text) or "(empty)", min(_LONGEST, max(20, 3 * (width - 4))))
    indent = 2 + len(count)
    for number, part in enumerate(_folded(text, width - indent)):
        yield (Segment(f"  {count}" if number == 0 else " " * indent, style), Segment(part))
    for reason in group.reasons if findings.question.is_judged else ():
        yield (Segment(f"{' ' * indent}{one_line(escape_controls(reason), width - indent)}", "dim"),)


def _folded(text: str, room: int) -> Sequence[str]:
    from rich.cells import chop_cells  # noqa: PLC0415 - where something is shown

    return chop_cells(text, max(10, room)) or [""]


def _distinct(groups: Sequence[OutputGroup]) -> str:
    return (
        f"{humanize.plural(len(groups), 'different answer')}"
        if len(groups) != 1
        else "always the same answer"
    )


def _spent(cell: Cell) -> str:
    tokens = humanize.tokens(cell.usage.total_tokens if cell.usage.calls else None)
    return f"{tokens} tokens, {phrases.shown_price(cell)}"

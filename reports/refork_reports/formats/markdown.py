"""Writes ``summary.md`` for the reviewer of a pull request, on one screen. Text of a model remains text."""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork.text.escape import escape_controls
from refork_evals.results import (
    WORST_FIRST,
    CaseResult,
    Cell,
    SuiteResult,
    VariantComparison,
    Verdict,
)
from refork_evals.results.totals import shown_cost, totals

from refork_reports.sentences import claims, phrases, spending
from refork_reports.sentences import gate as gate_words
from refork_reports.sentences.headline import headline
from refork_reports.sentences.statistics import comparisons, margins
from refork_reports.sentences.statistics.independence import dependence_notes

SUMMARY: Final = "summary.md"
LIMIT: Final = 60_000
"""The maximum size of a summary in bytes: GitHub accepts 1 MB for a job summary, 65,536 characters for a comment.
"""
_ROWS: Final = 32_000
_NOTES: Final = 12_000
_DOUBTS: Final = 2_000
_HEADLINE: Final = 2_000
_ICONS: Final[dict[Verdict, str]] = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.HELD: "✅",
    Verdict.DROPPED: "❌",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.ERROR: "⚠️",
    Verdict.STALE: "🕸️",
}
_ACTIVE: Final = str.maketrans({mark: f"&#{ord(mark)};" for mark in r"\`*_{}[]()#+!|~@:$"})
"""Characters with a meaning in Markdown, GitHub or GitLab: emphasis, links, tables, mentions, references."""


def render(evaluation: SuiteResult) -> str:
    """Return the summary as Markdown, at most 60 kB of it."""
    summed = totals(evaluation)
    parts = [
        "## Agent evals",
        _verdict(evaluation),
        *_within(_NOTES, list(_gate_notes(evaluation)), "note"),
        plain(" ".join(headline(evaluation).more), _HEADLINE),
        _table(evaluation),
        *_within(_NOTES, [_bullet(found) for found in evaluation.comparisons], "comparison"),
        *_within(_DOUBTS, [f"- {plain(note)}" for note in dependence_notes(evaluation)], "note"),
        "\n".join(f"- {plain(line)}" for line in spending.lines(summed)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str, most: int = 400) -> str:
    """Return text of any origin as plain text on one line: no markup, no mention, no link."""
    line = " ".join(escape_controls(text).split())
    shortened = line if len(line) <= most else f"{line[: most - 1]}…"
    return html.escape(shortened).replace("&#x27;", "'").translate(_ACTIVE).replace("&&#35;", "&#")


def _verdict(evaluation: SuiteResult) -> str:
    found = headline(evaluation)
    return f"{_ICONS[found.verdict]} **{plain(found.text, _HEADLINE)}**"


def _gate_notes(evaluation: SuiteResult) -> Iterator[str]:
    gate = evaluation.gate
    if gate is None:
        return
    if said := gate_words.suite_line(gate):
        yield f"- **{plain(said)}**"
    for case in gate_words.notable_findings(gate):
        mark = "❌ " if case.blocks else ""
        again = f"<br><code>{plain(case.command)}</code>" if case.blocks and case.command else ""
        yield f"- {mark}**{plain(case.case)}**, {case.finding.value}: {plain(case.said)}{again}"
    for note in gate_words.notes(gate):
        yield f"- {plain(note)}"


def _table(evaluation: SuiteResult) -> str:
    rows = [(cell, _row(result, cell)) for result in evaluation.cases for cell in result.cells]
    if not rows:
        return ""
    # Where not all fit, those that need a look come first.
    rows.sort(key=lambda pair: (pair[0].variant != CURRENT, WORST_FIRST.index(pair[0].verdict)))
    heading = [
        "| case | variant | verdict | passes | interval | before | tokens | cost |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    shown = list(_fitting([row for _, row in rows], _ROWS))
    rest = len(rows) - len(shown)
    more = f"\n\n{humanize.plural(rest, 'row')} more in report.html and results.json." if rest else ""
    return "\n".join([*heading, *shown]) + more


def _row(result: CaseResult, cell: Cell) -> str:
    before = margins.beside_baseline(cell).removeprefix("before ") or humanize.UNKNOWN
    guard = " (guard)" if result.case.guard else ""
    said = "fixes it" if cell.fixes else claims.mark(cell)
    fix = f" **{said}**" if said else ""
    texts = [
        plain(result.case.name, 80) + guard,
        plain(f"{cell.variant} {cell.changes}".rstrip(), 140 if cell.changes else 60),
        f"{_ICONS[cell.verdict]} {cell.verdict.value}{fix}",
        phrases.shown_trials(cell),
        phrases.shown_interval(cell),
        before,
        humanize.tokens(cell.usage.total_tokens if cell.usage.calls else None),
        humanize.money(shown_cost(cell)),
    ]
    return f"| {' | '.join(texts)} |"


def _bullet(found: VariantComparison) -> str:
    inner = "".join(f"\n  - {plain(sentence)}" for sentence in comparisons.details(found))
    return f"- **{plain(comparisons.line(found))}**{inner}"


def _within(limit: int, lines: list[str], noun: str) -> list[str]:
    if not lines:
        return []
    shown = list(_fitting(lines, limit))
    rest = len(lines) - len(shown)
    more = [f"- {humanize.plural(rest, noun)} more in report.html"] if rest else []
    return ["\n".join([*shown, *more])]


def _fitting(lines: Sequence[str], limit: int) -> Iterator[str]:
    used = 0
    for line in lines:
        used += len(line.encode()) + 1
        if used > limit:
            return
        yield line

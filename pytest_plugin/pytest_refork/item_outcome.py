"""Describes what an item requests, and turns its verdict into pytest's outcome."""

from dataclasses import dataclass
from typing import Any

import pytest
from refork.records.variant import CURRENT
from refork.redaction.process_secrets import hidden
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.settings import Settings
from refork_evals.gate.errors import is_forgivable
from refork_evals.results import CaseResult, Cell, Verdict
from refork_evals.verdicts.cells import endings_of
from refork_reports.sentences import phrases
from refork_reports.sentences.verdict_lines import verdict_line

from pytest_refork.reporting.explain import explanation


@dataclass(frozen=True, kw_only=True)
class RequestedCell:
    """A measured case under one variant, which is one item."""

    measured_case: MeasuredCase
    variant: str


cell_key = pytest.StashKey[RequestedCell]()


class NotPassedError(Exception):
    """The verdict of an item is not good enough. Its first argument is everything that the user sees."""

    def __init__(self, text: str, *, summary: str, is_candidate: bool) -> None:
        super().__init__(text)
        self.text = text
        self.summary = summary
        self.is_candidate = is_candidate


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Decides which verdicts of ``current`` pass, and which of these are mentioned nevertheless.

    ``forgiving`` passes what could not be measured only because cached answers are missing. A candidate passes only
    if it wins: losing is a result, and not a failure.
    """

    passing: frozenset[Verdict] = frozenset({Verdict.PASS, Verdict.HELD, Verdict.INCONCLUSIVE})
    said: frozenset[Verdict] = frozenset({Verdict.INCONCLUSIVE})
    forgiving: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Outcomes":
        project = settings.project
        passing = {verdict for verdict in Verdict if verdict.is_good}
        # A baseline is what it is: only what could not be measured keeps it from being written.
        measured = {verdict for verdict in Verdict if verdict.is_measured}
        passing |= measured if settings.update is not None else set()
        passing |= {Verdict.INCONCLUSIVE} if project.inconclusive != "fail" else set()
        said = {Verdict.ERROR} | ({Verdict.INCONCLUSIVE} if project.inconclusive == "warn" else set())
        forgiving = project.errors == "warn" and settings.update is None
        return cls(passing=frozenset(passing), said=frozenset(said), forgiving=forgiving)

    def passes(self, cell: Cell) -> bool:
        """Return whether ``current`` passes, or lacks nothing but cached answers and this is tolerated."""
        forgiven = self.forgiving and cell.verdict is Verdict.ERROR and is_forgivable(cell)
        return cell.verdict in self.passing or forgiven


def raise_unless_passed(
    item: pytest.Item, result: CaseResult, cell: Cell, outcomes: Outcomes, test_failure: str = ""
) -> None:
    """Store the numbers with the item, and raise NotPassedError unless its verdict passes."""
    item.user_properties += _properties(cell)
    is_candidate = cell.variant != CURRENT
    if not is_candidate and (doubt := phrases.doubt_of(result)):
        item.add_report_section("call", "agent eval", f"{doubt}: {phrases.about_doubt(result)}")
    passes = cell.verdict is Verdict.PASS if is_candidate else outcomes.passes(cell)
    if not passes:
        text = explanation(result, cell, test_failure)
        raise NotPassedError(text, summary=verdict_line(cell), is_candidate=is_candidate)
    if not is_candidate and cell.verdict in outcomes.said:
        item.add_report_section("call", "agent eval", explanation(result, cell, test_failure))


def report_as_expected_failure(report: pytest.TestReport, error: BaseException | None) -> None:
    """Make a losing candidate an expected failure, and show our words instead of a traceback."""
    report.sections = [(title, hidden(text)) for title, text in report.sections]
    if report.longrepr is not None and hidden(shown := str(report.longrepr)) != shown:
        report.longrepr = hidden(shown)
    if not isinstance(error, NotPassedError):
        return
    report.longrepr = error.text
    if error.is_candidate:
        report.outcome = "skipped"
        report.wasxfail = error.summary


def _properties(cell: Cell) -> list[tuple[str, Any]]:
    known: dict[str, Any] = {
        "verdict": cell.verdict.value,
        "pass_rate": None if cell.pass_rate is None else round(cell.pass_rate, 4),
        "interval": None if cell.interval is None else f"{cell.interval.low:.4f}-{cell.interval.high:.4f}",
        "tokens": cell.usage.total_tokens if cell.usage.calls else None,
        "endings": endings_of(cell) or None,
        "cost_usd": None if cell.cost_usd is None else str(cell.cost_usd),
    }
    return [(f"refork_{key}", value) for key, value in known.items() if value is not None]

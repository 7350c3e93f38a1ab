"""Prepares the content of the report's page, so that templates only do the layout."""

from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork_evals.results import CaseResult, SuiteResult, Verdict
from refork_evals.results.totals import Totals, totals

from refork_reports.sections import Section, sections
from refork_reports.sentences.headline import Headline, headline
from refork_reports.views.fixes import FailingCase, failing_cases
from refork_reports.views.judges import JudgeView, judge_views
from refork_reports.views.matrix import Matrix, matrices
from refork_reports.views.placed_cells import PlacedCell, case_anchor, placed_cells
from refork_reports.views.requests import PromptPair, RequestTable, prompt_of, prompt_pairs, request_table
from refork_reports.views.timeline import Timeline, timeline


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """A case on the page. ``ran`` says that a trial ran. ``prompt`` is the one in the code."""

    anchor: str
    result: CaseResult
    verdict: Verdict
    stale_reason: str
    ran: bool
    timeline: Timeline
    prompt: str | None
    pairs: tuple[PromptPair, ...]
    sent: RequestTable | None
    variants: tuple[PlacedCell, ...]
    judges: tuple[JudgeView, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    title: str
    evaluation: SuiteResult
    headline: Headline
    totals: Totals
    failing: tuple[FailingCase, ...]
    matrices: tuple[Matrix, ...]
    cases: tuple[CaseView, ...]
    sections: tuple[Section, ...]


def page(evaluation: SuiteResult, title: str) -> Page:
    summed = totals(evaluation)
    return Page(
        title=title,
        evaluation=evaluation,
        headline=headline(evaluation),
        totals=summed,
        failing=failing_cases(evaluation),
        matrices=matrices(evaluation),
        cases=tuple(_case(position, result) for position, result in enumerate(evaluation.cases, 1)),
        sections=sections(evaluation),
    )


def _case(position: int, result: CaseResult) -> CaseView:
    current = result.cell(CURRENT)
    return CaseView(
        anchor=case_anchor(position),
        result=result,
        verdict=current.verdict if current else Verdict.INCONCLUSIVE,
        stale_reason=next((cell.reason for cell in result.cells if cell.verdict is Verdict.STALE), ""),
        ran=any(cell.trials for cell in result.cells),
        timeline=timeline(result.case),
        prompt=prompt_of(result),
        pairs=prompt_pairs(result),
        sent=request_table(result),
        variants=placed_cells(position, result),
        judges=judge_views(result),
    )

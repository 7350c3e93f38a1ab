"""Prepares the content of the report's page, so that templates only do the layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from refork.records.variant import CURRENT
from refork.text.escape import escape_controls
from refork_evals.results import CaseResult, SuiteResult, Verdict
from refork_evals.results.totals import Totals, totals
from refork_evals.scorers.decisive_words import DecisiveWords, WordFinder

from refork_reports.sections import Section, sections
from refork_reports.sentences import phrases
from refork_reports.sentences.headline import Headline, headline
from refork_reports.views.differences import Differences, differences
from refork_reports.views.fixes import FailingCase, failing_cases
from refork_reports.views.judges import JudgeView, judge_views
from refork_reports.views.matrix import Matrix, matrices
from refork_reports.views.requests import PromptPair, RequestTable, prompt_of, prompt_pairs, request_table
from refork_reports.views.run_pages.timeline import Timeline, timeline
from refork_reports.views.scoreboard import PromptTable, prompt_tables
from refork_reports.views.trials.placed_cells import PlacedCase, PlacedCell, placed_cases

_MOST_IN_PLACE: Final = 20
"""So many cases stand in the page itself; of more, all but the heading is data, of which nodes are made when opened."""
_OPEN: Final = 3
"""So many cases of such a page that need a look are open from the start; otherwise all are that need one."""


_UNCLEAR: Final = (Verdict.HELD, Verdict.DROPPED, Verdict.INCONCLUSIVE, Verdict.STALE)


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """A case on the page. ``ran`` says that a trial ran, ``is_open`` that it needs a look and is among the first that
    do. ``verdicts`` are those of its variants. ``prompt`` is the one in the code. ``words`` are those of the recorded
    answer that decided its scores.
    """

    anchor: str
    result: CaseResult
    verdict: Verdict
    stale_reason: str
    ran: bool
    is_open: bool
    verdicts: Mapping[str, str]
    timeline: Timeline
    prompt: str | None
    pairs: tuple[PromptPair, ...]
    sent: RequestTable | None
    variants: tuple[PlacedCell, ...]
    judges: tuple[JudgeView, ...]
    words: tuple[DecisiveWords, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the page shows. ``unclear`` are the verdicts on it whose names need an explanation."""

    title: str
    evaluation: SuiteResult
    headline: Headline
    prompts: tuple[PromptTable, ...]
    totals: Totals
    failing: tuple[FailingCase, ...]
    matrices: tuple[Matrix, ...]
    unclear: tuple[str, ...]
    cases: tuple[CaseView, ...]
    differences: Differences
    sections: tuple[Section, ...]
    are_bodies_data: bool


def page(evaluation: SuiteResult, title: str) -> Page:
    summed = totals(evaluation)
    placed = placed_cases(evaluation)
    are_bodies_data = len(placed) > _MOST_IN_PLACE
    opened = [each.anchor for each in placed if _needs_a_look(each.result)][
        : _OPEN if are_bodies_data else None
    ]
    return Page(
        title=title,
        evaluation=evaluation,
        headline=headline(evaluation),
        prompts=prompt_tables(evaluation),
        totals=summed,
        failing=failing_cases(placed),
        matrices=matrices(placed),
        unclear=_unclear(evaluation),
        cases=tuple(_case(each, is_open=each.anchor in opened) for each in placed),
        differences=differences(evaluation, placed),
        sections=sections(evaluation),
        are_bodies_data=are_bodies_data,
    )


def _unclear(evaluation: SuiteResult) -> tuple[str, ...]:
    found = {cell.verdict for cell in evaluation.cells}
    return tuple(verdict.value for verdict in _UNCLEAR if verdict in found)


def _needs_a_look(result: CaseResult) -> bool:
    return not _verdict(result).is_good or bool(phrases.doubt_of(result))


def _verdict(result: CaseResult) -> Verdict:
    current = result.cell(CURRENT)
    return current.verdict if current else Verdict.INCONCLUSIVE


def _case(placed: PlacedCase, *, is_open: bool) -> CaseView:
    result = placed.result
    return CaseView(
        anchor=placed.anchor,
        result=result,
        verdict=_verdict(result),
        stale_reason=next((cell.reason for cell in result.cells if cell.verdict is Verdict.STALE), ""),
        ran=any(cell.trials for cell in result.cells),
        is_open=is_open,
        verdicts={escape_controls(cell.variant): cell.verdict.value for cell in result.cells},
        timeline=timeline(result.case),
        prompt=prompt_of(result),
        pairs=prompt_pairs(result),
        sent=request_table(result),
        variants=placed.cells,
        judges=judge_views(result),
        words=_recorded_words(result),
    )


def _recorded_words(result: CaseResult) -> tuple[DecisiveWords, ...]:
    answer = result.recorded.trial.answer if result.recorded else None
    return WordFinder(result.case)(answer) if answer else ()

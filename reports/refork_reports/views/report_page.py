"""The page's contents, prepared: templates only lay out what stands here."""

from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import CaseResult, Cell, Evaluation, ScoredTrial, Verdict

from refork_reports.sections import Section, sections
from refork_reports.sentences import phrases
from refork_reports.sentences.estimates import Estimate, estimates
from refork_reports.sentences.phrases import Headline
from refork_reports.views.judges import JudgeView, judge_views
from refork_reports.views.matrix import Bar, Matrix, bar, case_anchor, cell_anchor, matrices
from refork_reports.views.requests import PromptPair, Sent, prompt_of, prompt_pairs, sent, variant_file
from refork_reports.views.timeline import Moment, moments
from refork_reports.views.totals import Totals, shown_cost, totals

_NEARBY_STEPS = 8


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a candidate does to a case of the same agent that must stay as it is."""

    case: str
    anchor: str
    verdict: Verdict
    guard: bool
    trials: str


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A candidate that fixes a case, the file to take over, and what else it touches."""

    variant: str
    text: str
    file: str
    anchor: str
    effects: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class Failing:
    """A case that ``current`` fails. ``best`` is the nearest candidate where none fixes it."""

    case: str
    anchor: str
    current: str
    fixes: tuple[Fix, ...]
    best: str


@dataclass(frozen=True, kw_only=True)
class VariantView:
    anchor: str
    cell: Cell
    fixes: bool
    bar: Bar | None
    cost: str
    advice: str
    open: bool
    telling: int
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """A case as the page tells it. ``far_before`` and ``far_after`` are folded away; ``ran``: a trial did."""

    position: int
    anchor: str
    result: CaseResult
    verdict: Verdict
    recorded: ScoredTrial | None
    recorded_says: str
    fixes: tuple[str, ...]
    stale_reason: str
    ran: bool
    far_before: tuple[Moment, ...]
    before: tuple[Moment, ...]
    fork: Moment
    after: tuple[Moment, ...]
    far_after: tuple[Moment, ...]
    prompt: str | None
    pairs: tuple[PromptPair, ...]
    sent: Sent | None
    variants: tuple[VariantView, ...]
    judges: tuple[JudgeView, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    title: str
    evaluation: Evaluation
    headline: Headline
    totals: Totals
    savings: str
    failing: tuple[Failing, ...]
    matrices: tuple[Matrix, ...]
    cases: tuple[CaseView, ...]
    sections: tuple[Section, ...] = ()


def page(evaluation: Evaluation, title: str) -> Page:
    summed = totals(evaluation)
    return Page(
        title=title,
        evaluation=evaluation,
        headline=phrases.headline(evaluation),
        totals=summed,
        savings=phrases.savings(summed.savings, summed.unpriced_models),
        failing=_failing(evaluation),
        matrices=matrices(evaluation),
        cases=tuple(_case(position, result) for position, result in enumerate(evaluation.cases, 1)),
        sections=sections(evaluation),
    )


def _failing(evaluation: Evaluation) -> tuple[Failing, ...]:
    return tuple(
        Failing(
            case=result.case.name,
            anchor=case_anchor(position),
            current=phrases.fix(current),
            fixes=tuple(_fix(evaluation, position, result, cell) for cell in result.fixes),
            best=_best(result),
        )
        for position, result in enumerate(evaluation.cases, 1)
        if (current := result.cell(CURRENT)) and current.verdict is Verdict.FAIL
    )


def _fix(evaluation: Evaluation, position: int, result: CaseResult, cell: Cell) -> Fix:
    return Fix(
        variant=cell.variant,
        text=phrases.fix(cell),
        file=variant_file(result.case.agent, cell.variant),
        anchor=cell_anchor(position, result.cells.index(cell) + 1),
        effects=tuple(_effects(evaluation, position, result, cell.variant)),
    )


def _effects(evaluation: Evaluation, position: int, result: CaseResult, variant: str) -> list[Effect]:
    return [
        Effect(
            case=other.case.name,
            anchor=case_anchor(place),
            verdict=touched.verdict,
            guard=other.case.guard,
            trials=phrases.shown_trials(touched),
        )
        for place, other in enumerate(evaluation.cases, 1)
        if place != position and other.case.agent == result.case.agent
        if (other.case.guard or _passes_now(other)) and (touched := other.cell(variant))
    ]


def _passes_now(result: CaseResult) -> bool:
    current = result.cell(CURRENT)
    return current is not None and current.verdict is Verdict.PASS


def _best(result: CaseResult) -> str:
    tried = [cell for cell in result.cells if cell.variant != CURRENT and cell.pass_rate is not None]
    return phrases.fix(max(tried, key=lambda cell: cell.pass_rate or 0.0)) if tried else ""


def _case(position: int, result: CaseResult) -> CaseView:
    timeline = moments(result.case)
    before = tuple(moment for moment in timeline if moment.state == "before")
    after = tuple(moment for moment in timeline if moment.state == "after")
    current = result.cell(CURRENT)
    verdict = current.verdict if current else Verdict.INCONCLUSIVE
    opened = _opened(result)
    return CaseView(
        position=position,
        anchor=case_anchor(position),
        result=result,
        verdict=verdict,
        recorded=result.recorded,
        recorded_says=phrases.recorded_says(result),
        fixes=tuple(phrases.fix(cell) for cell in result.fixes),
        stale_reason=next((cell.reason for cell in result.cells if cell.verdict is Verdict.STALE), ""),
        ran=any(cell.trials for cell in result.cells),
        far_before=before[:-_NEARBY_STEPS],
        before=before[-_NEARBY_STEPS:],
        fork=next(moment for moment in timeline if moment.state == "fork point"),
        after=after[:_NEARBY_STEPS],
        far_after=after[_NEARBY_STEPS:],
        prompt=prompt_of(result),
        pairs=prompt_pairs(result),
        sent=sent(result),
        variants=tuple(
            _variant(cell_anchor(position, number), cell, opened=cell.variant == opened)
            for number, cell in enumerate(result.cells, 1)
        ),
        judges=judge_views(result),
    )


def _opened(result: CaseResult) -> str:
    """The variant whose trials are worth a look at once: what fixes the case, else the code as it stands."""
    return next((cell.variant for cell in result.fixes), CURRENT)


def _variant(anchor: str, cell: Cell, *, opened: bool) -> VariantView:
    return VariantView(
        anchor=anchor,
        cell=cell,
        fixes=cell.fixes,
        bar=_bar(cell),
        cost=humanize.money(shown_cost(cell)),
        advice=phrases.advice(cell.verdict),
        open=opened and bool(cell.trials),
        telling=_telling(cell),
        estimates=estimates(cell),
    )


def _bar(cell: Cell) -> Bar | None:
    if not cell.measured:
        return None
    planned = phrases.planned(cell)
    return bar(
        rate=cell.passes / planned,
        unknown=(cell.errors + cell.missing) / planned,
        low=cell.interval.low if cell.interval else None,
        high=cell.interval.high if cell.interval else None,
        needed=cell.min_pass_rate,
    )


def _telling(cell: Cell) -> int:
    """The place of the trial to show at once: unless the variant passes, the first that did not."""
    if cell.verdict is Verdict.PASS:
        return 0
    return next((place for place, scored in enumerate(cell.trials) if scored.passed is not True), 0)

"""Evaluations of thousands of trials, all with outputs of their own."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from refork.records import Answer, Case, Request, Run, Step, StepKind
from refork.records.outcome import Trial
from refork.records.usage import Usage
from refork_evals.results import CaseResult, Cell, Interval, Score, ScoredTrial, SuiteResult, Verdict

VARIANTS: Final = ("current", "careful", "strict", "brief", "gpt-5")
BEGIN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_TEXT: Final = """
revenue fell by in March the North region explains most of order slipped into April quarter margin customers returned
sales report summary change against last year growth of increased decline South East West product line subscription
renewals pipeline forecast which suggests that however because demand weaker stronger than expected prices discounts
shipping delay inventory cost stock team executive board
"""
_WORDS: Final = _TEXT.split()


def large(cases: int, trials: int) -> SuiteResult:
    """Return a suite of five variants in which no two outputs of about 300 characters are equal; every other case
    fails under two of them.
    """
    draw = random.Random(13)
    return SuiteResult(
        cases=tuple(_case(number, trials, draw) for number in range(cases)),
        started_at=BEGIN,
        refork_version="0",
        seconds=600.0,
    )


def _case(number: int, trials: int, draw: random.Random) -> CaseResult:
    name = f"{draw.choice(_WORDS).lower()}-{draw.choice(_WORDS).lower()}-{number}"
    answer = Answer(text=_text(draw, 300))
    steps = tuple(_step(at, draw) for at in range(1, 13))
    run = Run(
        id=f"run-{name}",
        workflow="analyze_sales",
        status="SUCCESS",
        created_at=BEGIN,
        completed_at=BEGIN + timedelta(seconds=12),
        steps=steps,
    )
    case = Case(
        name=name,
        folder=Path("evals/cases") / name,
        run=run,
        step=9,
        agent="summarizer",
        description=_text(draw, 120),
        expect=({"not_contains": "increased"}, {"judge": "Says that revenue fell."}),
    )
    recorded = ScoredTrial(
        trial=Trial(variant="recorded", number=0, answer=answer, model="gpt-5-mini"),
        scores=_scores(False, draw),
        passed=False,
    )
    cells = tuple(_cell(name, variant, number, trials, draw) for variant in VARIANTS)
    return CaseResult(case=case, recorded=recorded, cells=cells)


def _step(number: int, draw: random.Random) -> Step:
    return Step(
        number=number,
        name="model call" if number % 2 else "run_sql",
        kind=StepKind.MODEL if number % 2 else StepKind.TOOL,
        answer=Answer(text=_text(draw, 200)) if number % 2 else None,
        output=None if number % 2 else _text(draw, 100),
        started_at=BEGIN + timedelta(seconds=number),
        completed_at=BEGIN + timedelta(seconds=number + 0.8),
    )


def _cell(case: str, variant: str, number: int, trials: int, draw: random.Random) -> Cell:
    rate = 0.3 if number % 2 and variant in VARIANTS[:2] else 0.95
    scored = tuple(_trial(variant, at, draw.random() < rate, draw) for at in range(1, trials + 1))
    passes = sum(each.passed is True for each in scored)
    return Cell(
        case=case,
        variant=variant,
        verdict=Verdict.PASS if rate > 0.5 else Verdict.FAIL,
        min_pass_rate=0.8,
        passes=passes,
        failures=trials - passes,
        interval=Interval(low=max(0.0, passes / trials - 0.1), high=min(1.0, passes / trials + 0.1)),
        trials=scored,
        request=Request(
            agent="summarizer",
            model="gpt-5-mini",
            prompt=f"{_text(random.Random(variant), 600)}",
            input=[{"role": "user", "content": "How did revenue do in March?"}],
            settings={"temperature": 0.7},
        ),
        usage=Usage(calls=trials, input_tokens=1840 * trials, output_tokens=96 * trials),
        cost_usd=Decimal("0.0021"),
        seconds=1.5 * trials,
    )


def _trial(variant: str, number: int, passed: bool, draw: random.Random) -> ScoredTrial:
    usage = Usage(calls=1, input_tokens=1840, output_tokens=draw.randrange(60, 120))
    trial = Trial(
        variant=variant,
        number=number,
        answer=Answer(text=_text(draw, 300)),
        usage=usage,
        model="gpt-5-mini-2025-08-07",
        seconds=draw.uniform(0.6, 3),
    )
    return ScoredTrial(
        trial=trial,
        scores=_scores(passed, draw),
        passed=passed,
        cost_usd=Decimal(usage.output_tokens) / 10**6,
    )


def _scores(passed: bool, draw: random.Random) -> tuple[Score, ...]:
    found = "is not in" if passed else "is in"
    return (
        Score(
            scorer="not_contains", passed=passed, reason=f"'increased' {found} the text: {_text(draw, 60)!r}"
        ),
        Score(scorer="judge", passed=passed, reason=_text(draw, 120)),
    )


def _text(draw: random.Random, length: int) -> str:
    words = _words(draw, length)
    return " ".join(words).capitalize() + "."


def _words(draw: random.Random, length: int) -> Iterator[str]:
    while length > 0:
        word = draw.choice(_WORDS) if draw.random() < 0.9 else f"{draw.uniform(0, 100):.1f}%"
        length -= len(word) + 1
        yield word

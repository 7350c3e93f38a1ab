"""Small values for the tests of scorers and verdicts."""

import asyncio
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from refork.records import Answer, Case, Request, Run, Step, StepKind, ToolCall
from refork.records.outcome import ForkStatus, Outcome, Trial, TrialError
from refork.records.usage import Usage
from refork_evals import Sample, Score
from refork_evals.scorers.protocol import run_scorer
from refork_evals.scorers.registry import parse_scorer

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def answer(text: str = "", *calls: tuple[str, Any], structured: Any = None) -> Answer:
    made = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls)
    return Answer(text=text, tool_calls=made, structured=structured)


def sample(given: Answer | str = "", **known: Any) -> Sample:
    return Sample(answer=answer(given) if isinstance(given, str) else given, **known)


def score(expectation: Mapping[str, Any], given: Sample | Answer | str) -> Score:
    """The score of one expectation, as it stands in a file, of one answer."""
    made = given if isinstance(given, Sample) else sample(given)
    return asyncio.run(run_scorer(parse_scorer(expectation), made))


def directly(expectation: Mapping[str, Any], given: Answer | str) -> Score:
    """As ``score``, but what the scorer raises is raised."""
    result = parse_scorer(expectation).score(sample(given))
    assert not inspect.isawaitable(result)
    return result


def case(name: str = "misleading-summary", **fields: Any) -> Case:
    """A run of 20 s and 1100 tokens in two model steps, forked at the second."""
    steps = (model_step(1, tokens=(800, 200)), model_step(2, tokens=(80, 20), text="revenue rose"))
    run = Run(
        id="run-1",
        workflow="analyse",
        status="SUCCESS",
        created_at=NOON,
        completed_at=NOON + timedelta(seconds=20),
        steps=steps,
    )
    given: dict[str, Any] = {"folder": Path("evals/cases") / name, "run": run, "step": 2, **fields}
    return Case(name=name, **given)


def model_step(number: int, *, tokens: tuple[int, int], text: str = "", model: str = "gpt-4o-mini") -> Step:
    return Step(
        number=number,
        name="_model_call_step",
        kind=StepKind.MODEL,
        agent="summarizer",
        model=model,
        started_at=NOON,
        completed_at=NOON + timedelta(seconds=4),
        usage=Usage(calls=1, input_tokens=tokens[0], output_tokens=tokens[1]),
        answer=Answer(text=text),
    )


def trial(number: int = 0, text: str = "revenue fell", variant: str = "current", **fields: Any) -> Trial:
    """A trial of 110 tokens and one second."""
    given: dict[str, Any] = {
        "answer": Answer(text=text),
        "usage": Usage(calls=1, input_tokens=100, output_tokens=10),
        "model": "gpt-4o-mini",
        "seconds": 1.0,
        **fields,
    }
    return Trial(variant=variant, number=number, **given)


def broken_trial(number: int = 0, variant: str = "current") -> Trial:
    return Trial(variant=variant, number=number, error=TrialError(type="RateLimitError", message="429"))


def trials_of(texts: Mapping[str, str]) -> tuple[Trial, ...]:
    """Trials from a string for each variant: ``+`` says fell, ``-`` says rose, ``!`` was not measured."""
    said = {"+": "revenue fell", "-": "revenue rose"}
    return tuple(
        broken_trial(number, variant) if mark == "!" else trial(number, said[mark], variant)
        for variant, marks in texts.items()
        for number, mark in enumerate(marks)
    )


def outcome(name: str = "misleading-summary", **texts: str) -> Outcome:
    requests = {variant: Request(prompt=f"prompt of {variant}") for variant in texts}
    return Outcome(case=name, status=ForkStatus.MEASURED, requests=requests, trials=trials_of(texts))

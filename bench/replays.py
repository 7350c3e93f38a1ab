"""Replays of whole runs, beside the bare SDK on the same messages. No call is made."""

import asyncio
import dataclasses
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, function_tool
from agents.items import TResponseStreamEvent
from refork.fork import ForkSession
from refork.records import Run, StepKind
from refork.values import decode

from bench import application

ROUNDS = 7


def replayed(opened: ForkSession, run: Run) -> float:
    """Seconds for the replay of a run, as a user meets it: the session has not seen the run before."""
    unseen = dataclasses.replace(run, id=f"{run.id}-{uuid.uuid4().hex}")
    began = time.perf_counter()
    replay = opened.replay(unseen)
    taken = time.perf_counter() - began
    assert replay.problem is None, replay.problem
    return taken


def per_plain_step(opened: ForkSession, many: Run, few: Run) -> float:
    """Median seconds for each plain step that ``many`` has and ``few`` has not: what both cost is subtracted."""
    between = len(many.steps) - len(few.steps)
    return statistics.median(
        (replayed(opened, many) - replayed(opened, few)) / between for _ in range(ROUNDS)
    )


def turns(opened: ForkSession, run: Run) -> list[float]:
    """Seconds of each of ``ROUNDS`` replays."""
    return [replayed(opened, run) for _ in range(ROUNDS)]


def bare_turns(run: Run) -> list[float]:
    """Seconds of as many runs by the SDK alone, whose model gives the recorded answers at once.

    To be called outside a session, which stands in front of parts of the SDK.
    """
    answers = [decode(step.output) for step in run.steps if step.kind is StepKind.MODEL]
    (turns,) = (decode(argument) for argument in run.args)
    return asyncio.run(_bare(answers, turns))


async def _bare(answers: list[ModelResponse], turns: int) -> list[float]:
    taken: list[float] = []
    for _ in range(ROUNDS):
        model = _Recorded(answers)
        agent = Agent(
            name="looker",
            instructions=application.looker.instructions,
            tools=[function_tool(application.row, name_override="look")],
            model=model,
        )
        began = time.perf_counter()
        await Runner.run(agent, application.question(turns), max_turns=turns + 2)
        taken.append(time.perf_counter() - began)
        assert not model.left, f"{len(model.left)} recorded answers were not asked for"
    return taken


class _Recorded(Model):
    """Answers what was recorded, in order."""

    def __init__(self, answers: list[ModelResponse]) -> None:
        self.left = list(answers)

    async def get_response(self, *_args: Any, **_rest: Any) -> ModelResponse:
        return self.left.pop(0)

    def stream_response(self, *_args: Any, **_rest: Any) -> AsyncIterator[TResponseStreamEvent]:
        raise NotImplementedError

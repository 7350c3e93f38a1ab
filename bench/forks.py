"""Trials in a fork, beside the same requests sent by hand."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agents import ModelSettings, ModelTracing, OpenAIChatCompletionsModel, set_tracing_disabled
from dbos import DBOS, SetWorkflowID
from openai import AsyncOpenAI
from refork.dbos.reader.reader import Reader
from refork.fork import ForkSession, open_session
from refork.records import Case, Run
from refork.records.variant import Variant, current

from bench import application
from bench.server import Server

ROOT = Path(__file__).resolve().parent.parent
TRIALS = 200
CONCURRENCY = 16


@dataclass(frozen=True)
class Runs:
    """Recorded runs, each to be forked at its last model step."""

    after_10_steps: Run
    after_1000_steps: Run
    after_50_turns: Run


def record() -> Runs:
    """Run the application as production would, and read its runs back."""
    set_tracing_disabled(True)
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/production.sqlite"
        with _production(url):
            for name, workflow, count in (
                ("steps-10", application.behind_steps, 10),
                ("steps-1000", application.behind_steps, 1000),
                ("turns-50", application.behind_turns, 50),
            ):
                _run(name, workflow, count)
        with Reader(url) as reader:
            return Runs(reader.run("steps-10"), reader.run("steps-1000"), reader.run("turns-50"))


def _run(name: str, workflow: Callable[[int], Coroutine[Any, Any, str]], count: int) -> None:
    with SetWorkflowID(name):
        handle: Any = DBOS.start_workflow(workflow, count)
        handle.get_result()


@contextmanager
def _production(url: str) -> Generator[None]:
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        yield
    finally:
        DBOS.destroy()


@contextmanager
def session() -> Generator[ForkSession]:
    with open_session(
        root=ROOT, modules=["bench.application"], slot="bench", concurrency=CONCURRENCY
    ) as opened:
        yield opened


def forked(opened: ForkSession, run: Run) -> float:
    """Seconds for ``TRIALS`` trials of two variants, from the fork to the last answer."""
    point = max(step.number for step in run.steps if step.kind == "model")
    case = Case(name=run.id, folder=ROOT, run=run, step=point)
    candidate = Variant(name="candidate", template="Look twice, then answer.")
    began = time.monotonic()
    fork = opened.fork(case)
    futures = [*fork.run(current(), TRIALS // 2), *fork.run(candidate, TRIALS // 2)]
    fork.close()
    trials = [future.result() for future in futures]
    taken = time.monotonic() - began
    fork.wait()
    problems = [trial.error for trial in trials if trial.error is not None]
    assert not problems, problems[0]
    return taken


def by_client() -> float:
    """Seconds for as many plain requests of the OpenAI client, at the same concurrency."""
    client_messages: Any = [
        {"role": "system", "content": "Look, then answer."},
        {"role": "user", "content": "0 rows, please"},
    ]

    async def call(client: AsyncOpenAI) -> None:
        await client.chat.completions.create(model="bench", messages=client_messages)

    return asyncio.run(_timed(call))


def by_sdk(opened: ForkSession, run: Run) -> float:
    """Seconds for as many requests through the SDK's own model class, on the messages of the fork point."""
    replayed = opened.replay(run).run
    request = [step.request for step in replayed.steps if step.request is not None][-1]

    async def call(client: AsyncOpenAI) -> None:
        model = OpenAIChatCompletionsModel("bench", client)
        await model.get_response(
            system_instructions=request.prompt,
            input=request.input,
            model_settings=ModelSettings(),
            tools=[],
            output_schema=None,
            handoffs=[],
            tracing=ModelTracing.DISABLED,
            previous_response_id=None,
            conversation_id=None,
            prompt=None,
        )

    return asyncio.run(_timed(call))


async def _timed(call: Any) -> float:
    slots = asyncio.Semaphore(CONCURRENCY)
    async with AsyncOpenAI() as client:

        async def one() -> None:
            async with slots:
                await call(client)

        began = time.monotonic()
        await asyncio.gather(*(one() for _ in range(TRIALS)))
        return time.monotonic() - began


def calls_made(opened: ForkSession, run: Run, server: Server) -> int:
    """The calls that the server counted for one case of ``TRIALS`` trials."""
    server.calls()
    forked(opened, run)
    return server.calls()

"""Mutated answers through the real clients and their parsing, in process: what a trial comes to, and nothing else."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2
from agents import ModelSettings
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from refork import http_calls
from refork.answer_cache import AnswerKey, AnswersMode, Store
from refork.answer_cache.answers_file import _line as file_line
from refork.answer_cache.answers_file import _parsed as parsed_line
from refork.dbos.serialization.json_serializer import JsonSerializer
from refork.fork.attempts.retry_policy import Retries
from refork.fork.branches.step_rerun import ToolRun
from refork.fork.http_steps import Exchanges, Kind, Making
from refork.fork.trials.concurrency_limit import ConcurrencyLimit
from refork.fork.trials.trial_step import Limits, run_trial
from refork.frameworks.openai_agents.calls import OpenAIAgentsCall
from refork.frameworks.protocol import ModelCall, StepCall
from refork.http_calls.client_responses import register
from refork.records.outcome import ErrorKind, Trial, TrialError
from refork.values import DEFAULT
from refork_evals.evaluation.kept_answers.answer_writer import _of as kept_of
from refork_evals.results import ScoredTrial
from refork_reports.results_file.schema import TrialEntry

from support.fuzz.answers import CHAT, MESSAGE, RESPONSE, Answered, mutated

SLOW_SECONDS: Final = 15.0
"""An answer that takes longer to be read hangs: they take milliseconds, the slowest seconds on a busy machine."""
ONCE: Final = Retries(attempts=1)

LIMITS: Final = Limits(slots=ConcurrencyLimit(1), retries=ONCE, trial_seconds=20)
SERIALIZER: Final = JsonSerializer()
BARE: Final = ("object is not subscriptable", "object is not iterable", "has no attribute")
"""What Python says where somebody forgot that an answer may be odd: it names nothing of the answer."""


@dataclass
class Found:
    """What became of the answers: how many of each kind, and those that are wrong, with their seeds."""

    ends: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    slowest: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A way by which answers are read: ``make`` gives the call, and the exchanges of a step's code."""

    name: str
    whole: dict[str, Any]
    make: Callable[["Wire"], tuple[ModelCall, Callable[[], Exchanges | None]]]


class Wire:
    """A transport in process: it gives the answer that was last put there."""

    def __init__(self) -> None:
        self.answer: Answered = (200, "application/json", b"{}")

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._give))

    def _give(self, _request: httpx2.Request) -> httpx2.Response:
        status, kind, body = self.answer
        headers = {"content-type": kind} if kind else {}
        return httpx2.Response(status, headers=headers, content=body)


def _openai(wire: Wire) -> AsyncOpenAI:
    return AsyncOpenAI(
        api_key="sk-test", base_url="http://model.test/v1", http_client=wire.client(), max_retries=0
    )


def _sdk(kind: Any, wire: Wire) -> tuple[ModelCall, Callable[[], None]]:
    model = kind(model="gpt-5-mini", openai_client=_openai(wire))
    arguments = {
        "system_instructions": "Answer.",
        "input": "Is it?",
        "model_settings": ModelSettings(),
        "tools": [],
        "output_schema": None,
        "handoffs": [],
        "previous_response_id": None,
        "conversation_id": None,
        "prompt": None,
    }
    return OpenAIAgentsCall(model, arguments, "clerk"), lambda: None


def _step(ask: Callable[[], Awaitable[Any]]) -> tuple[ModelCall, Callable[[], Exchanges]]:
    async def step() -> Any:
        return await ask()

    call = ToolRun(StepCall(number=1, name="app.ask", function=step), live=False)
    return call, partial(Exchanges, _making())


def _making() -> Making:
    return Making(
        step="ask",
        agent=None,
        trial=1,
        store=Store(AnswersMode.LIVE),
        folder=Path("nowhere"),
        own_ids=(),
        retries=ONCE,
        kind=Kind.MODEL,
        candidate=lambda: None,
        sends=lambda _request: None,
        missing=lambda _request, _draws: "",
    )


def _chat_step(wire: Wire) -> tuple[ModelCall, Callable[[], Exchanges]]:
    client = _openai(wire)

    async def ask() -> Any:
        answer = await client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "?"}]
        )
        return answer.choices[0].message.content

    return _step(ask)


def _responses_step(wire: Wire) -> tuple[ModelCall, Callable[[], Exchanges]]:
    client = _openai(wire)

    async def ask() -> Any:
        return await client.responses.create(model="gpt-5-mini", input="?")

    return _step(ask)


def _messages_step(wire: Wire) -> tuple[ModelCall, Callable[[], Exchanges]]:
    client = AsyncAnthropic(
        api_key="sk-test", base_url="http://model.test", http_client=wire.client(), max_retries=0
    )

    async def ask() -> Any:
        return await client.messages.create(
            model="claude-sonnet-4-5", max_tokens=9, messages=[{"role": "user", "content": "?"}]
        )

    return _step(ask)


READERS: Final = (
    Reader(name="agents chat", whole=CHAT, make=partial(_sdk, OpenAIChatCompletionsModel)),
    Reader(name="agents responses", whole=RESPONSE, make=partial(_sdk, OpenAIResponsesModel)),
    Reader(name="openai chat in a step", whole=CHAT, make=_chat_step),
    Reader(name="openai responses in a step", whole=RESPONSE, make=_responses_step),
    Reader(name="anthropic in a step", whole=MESSAGE, make=_messages_step),
)


def read(reader: Reader, seeds: Iterator[int] | range) -> Found:
    """Put every mutation to a reader."""
    return asyncio.run(_read(reader, seeds))


async def _read(reader: Reader, seeds: Iterator[int] | range) -> Found:
    found, wire = Found(), Wire()
    register(DEFAULT)
    with http_calls.patched():
        call, exchanges = reader.make(wire)
        for seed in seeds:
            wire.answer = mutated(reader.whole, seed)
            seconds = await _timed(reader, seed, call, exchanges, found)
            if seconds > SLOW_SECONDS:
                # A machine that others use can stand still for as long; what is slow to read is so every time.
                seconds = min(seconds, await _timed(reader, seed, call, exchanges, Found()))
            found.slowest = max(found.slowest, seconds)
            if seconds > SLOW_SECONDS:
                found.wrong.append(f"{reader.name}, seed {seed}: took {seconds:.1f} s, twice")
    return found


async def _timed(
    reader: Reader, seed: int, call: ModelCall, exchanges: Callable[[], Exchanges | None], found: Found
) -> float:
    """Put an answer to a reader, note its end in ``found``, and return the seconds that it took."""
    began = time.monotonic()
    try:
        found.ends[await _trial(call, exchanges())] += 1
    except BaseException as error:
        found.wrong.append(f"{reader.name}, seed {seed}: {type(error).__name__}: {error!s:.300}")
    return time.monotonic() - began


async def _trial(call: ModelCall, exchanges: Exchanges | None) -> str:
    """What a trial makes of an answer, as a word. Raises for what it must not make of any."""
    trial = await run_trial(
        "current",
        1,
        call,
        reservation=_Reservation(),
        name="trial:current:1:0",
        limits=LIMITS,
        key=AnswerKey("0" * 24, 1),
        note=_note,
        exchanges=exchanges,
    )
    _check_kept(trial)
    scored = ScoredTrial(trial=trial, passed=None)
    TrialEntry.model_validate(scored).model_dump_json()
    if trial.error is not None:
        _check_error(trial.error)
        return "failure" if trial.error.own else f"error: {trial.error.kind}"
    assert trial.answer is not None
    ending = trial.answer.ending
    return "answer" if ending is None else f"answer: {ending}"


async def _note(trial: Trial) -> None:
    _check_kept(trial)


class _Reservation:
    """A step that DBOS would run: what it gives passes through what is written into the database."""

    async def run_async(self, _options: Any, step: Callable[[], Awaitable[Any]]) -> Any:
        text = SERIALIZER.serialize(await step())
        return SERIALIZER.deserialize(text.encode().decode())


def _check_kept(trial: Trial) -> None:
    """What is kept in git can be read again, or is left out."""
    for kept in kept_of(trial):
        line = file_line(kept)
        assert line is None or parsed_line(line.rstrip("\n"), "a line").key == kept.key


def _check_error(error: TrialError) -> None:
    assert error.kind is not ErrorKind.INTERNAL, error
    assert error.type, error
    assert error.message, error
    assert len(error.message) < 700, error
    assert error.message.isprintable(), error
    assert error.own or not error.message.startswith(BARE), error

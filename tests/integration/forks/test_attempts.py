"""One attempt at somebody else's code: bounded, whatever it raises and whatever it swallows."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pydantic import BaseModel
from refork.errors import ModelCallError, UnreadableAnswerError
from refork.fork.attempts import attempted, trial_error, within
from refork.fork.attempts.retry_policy import Retries
from refork.http_calls.formats.odd import oddity
from refork.http_calls.wire import Received
from refork.records.outcome import ErrorKind
from support.fuzz.answers import CHAT


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Word(BaseModel):
    word: str


def _invalid() -> Exception:
    try:
        Word.model_validate_json("no JSON at all")
    except Exception as error:
        return error
    raise AssertionError


RAISED: list[Callable[[], BaseException]] = [
    lambda: ValueError("plain"),
    _invalid,
    lambda: ExceptionGroup("several", [KeyError("first"), OSError("second")]),
    lambda: BaseExceptionGroup("several", [SystemExit(3), ValueError("second")]),
    lambda: SystemExit(2),
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
    StopAsyncIteration,
    lambda: RecursionError("too deep"),
    MemoryError,
    UnspeakableError,
    type("Odd", (BaseException,), {"errors": "no list", "status_code": "no number"}),
    lambda: Exception("x" * 100_000),
    lambda: Exception("two\nlines\x1b[31m"),
]


@pytest.mark.parametrize("make", RAISED, ids=lambda make: type(make()).__name__)
def test_any_exception_is_returned_and_becomes_one_line(make: Callable[[], BaseException]) -> None:
    async def work() -> None:
        raise make()

    ended = asyncio.run(within(5, work()))
    assert ended.error is not None
    error = trial_error(ended.error)
    assert error.type
    assert len(error.message) < 600
    assert error.message.isprintable() or not error.message


def test_a_group_tells_its_first_error_and_how_many_there_are() -> None:
    error = trial_error(ExceptionGroup("several", [ExceptionGroup("inner", [KeyError("first")]), OSError()]))
    assert (error.type, error.message) == ("KeyError", "'first' (the first of 2 errors)")


def test_an_invalid_answer_names_its_fields() -> None:
    assert "Word: Invalid JSON" in trial_error(_invalid()).message


async def _sleeps() -> None:
    await asyncio.sleep(60)


async def _swallows_its_cancellation() -> None:
    until = time.monotonic() + 3
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize("work", [_sleeps, _swallows_its_cancellation])
def test_work_that_does_not_end_is_given_up(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> tuple[BaseException | None, float]:
        began = time.monotonic()
        ended = await within(0.1, work())
        return ended.error, time.monotonic() - began

    error, seconds = asyncio.run(bounded())
    assert isinstance(error, TimeoutError)
    assert seconds < 2


def test_all_attempts_share_the_time_of_a_trial() -> None:
    calls: list[float] = []

    async def fails() -> None:
        calls.append(time.monotonic())
        raise ConnectionResetError

    ended = asyncio.run(attempted(fails, retries=Retries(attempts=50, first_wait=0.05), seconds=0.5))
    assert isinstance(ended.error, ConnectionResetError)
    assert 2 <= len(calls) <= 4  # after 0, 0.05, 0.15 and 0.35 seconds


class _RefusalError(Exception):
    def __init__(self, status: int, body: object = None) -> None:
        super().__init__(f"Error code: {status}")
        self.status_code, self.body = status, body


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_RefusalError(429), ErrorKind.PROVIDER),
        (_RefusalError(503), ErrorKind.PROVIDER),
        (_RefusalError(429, {"error": {"code": "insufficient_quota"}}), ErrorKind.ACCOUNT),
        (_RefusalError(429, {"code": "insufficient_quota"}), ErrorKind.ACCOUNT),
        (_RefusalError(401), ErrorKind.ACCOUNT),
        (_RefusalError(400, {"error": {"type": "invalid_request_error"}}), ErrorKind.REQUEST),
        (_RefusalError(404), ErrorKind.REQUEST),
        (_RefusalError(422), ErrorKind.REQUEST),
        (TimeoutError(), ErrorKind.PROVIDER),
        (ValueError(), ErrorKind.OTHER),
    ],
    ids=str,
)
def test_an_error_says_whose_fault_it_is(error: Exception, kind: ErrorKind) -> None:
    assert trial_error(error).kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelCallError("not reached", status_code=0), ErrorKind.PROVIDER),
        (ModelCallError("overloaded", status_code=529), ErrorKind.PROVIDER),
        (ModelCallError("a page", status_code=200), ErrorKind.OTHER),
        (ModelCallError("no such model", status_code=404), ErrorKind.REQUEST),
        (UnreadableAnswerError("it is empty"), ErrorKind.OTHER),
    ],
    ids=str,
)
def test_the_response_of_a_steps_server_decides_the_kind_of_error(error: Exception, kind: ErrorKind) -> None:
    assert trial_error(error).kind is kind


@pytest.mark.parametrize(
    ("format_name", "body", "said"),
    [
        ("chat", b"", "it is empty"),
        ("chat", b"<html>proxy</html>", "it is not a JSON object (text/html): '<html>proxy</html>'"),
        ("chat", b"[]", "it is not a JSON object (text/html): '[]'"),
        ("chat", b'{"object": "chat.completion"}', "'choices' is missing"),
        ("responses", b'{"object": "response"}', "'output' is missing"),
        ("messages", b"{}", "'content' is missing"),
    ],
)
def test_the_error_of_an_odd_answer_names_what_is_odd(format_name: str, body: bytes, said: str) -> None:
    answer = Received(status=200, headers=(("content-type", "text/html"),), body=body)
    assert oddity(format_name, answer) == said


def test_a_field_that_the_clients_own_class_refuses_is_named() -> None:
    usage = {"prompt_tokens": 10.5, "completion_tokens": 2, "total_tokens": 12}
    body = json.dumps({**CHAT, "usage": usage}).encode()
    assert "usage.prompt_tokens" in oddity("chat", Received(status=200, body=body))

"""The exchanges of one run of a step's code: in its checkpoint, over its attempts, and after its end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.errors import AnswerMissingError, ToolDeniedError
from refork.fork.attempts.retry_policy import Retries
from refork.fork.http_steps import Exchanges, Kind, Making, checkpoint_fields, known
from refork.fork.http_steps.exchanges import Unwound
from refork.http_calls import OutgoingRequest, Received
from refork.records import Request

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
ANSWER = {"model": "m-1", "choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 9}}


def _ignored(_request: Request) -> None:
    """Nobody is told."""


def _missing(_request: Request, draws: int) -> str:
    return f"{draws} are kept"


def exchanges(folder: Path, *, mode: AnswersMode = AnswersMode.REUSE, **more: Any) -> Exchanges:
    values: dict[str, Any] = {
        "step": "extract",
        "agent": "extract",
        "trial": 1,
        "store": Store(mode),
        "folder": folder,
        "own_ids": ("fork-1", "run-1"),
        "retries": Retries(attempts=2, first_wait=0.0),
        "kind": Kind.MODEL,
        "candidate": lambda: None,
        "sends": _ignored,
        "missing": _missing,
    }
    return Exchanges(Making(**{**values, **more}))


def sent(text: str = "Hello", path: str = "/v1/chat/completions") -> OutgoingRequest:
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    return OutgoingRequest(method="POST", url=f"https://models.example{path}", body=json.dumps(body).encode())


def answering(*statuses: int) -> tuple[Callable[[OutgoingRequest], Received], list[OutgoingRequest]]:
    seen: list[OutgoingRequest] = []

    def send(request: OutgoingRequest) -> Received:
        status = statuses[min(len(seen), len(statuses) - 1)]
        seen.append(request)
        told_of = ANSWER if status == 200 else {"error": {"message": "no"}}
        return Received(status=status, body=json.dumps(told_of).encode())

    return send, seen


def test_a_checkpoint_holds_every_answer_that_was_paid_for(tmp_path: Path) -> None:
    arrived: list[CachedAnswer] = []
    found = exchanges(tmp_path, arrives=arrived.append)
    send, _ = answering(200)
    found.exchange(sent(), send)
    found.exchange(sent("Hello again"), send)
    again = known(json.loads(json.dumps(checkpoint_fields(found))))
    assert again["cached_steps"] == found.made == tuple(arrived)
    assert (again["reused"], again["model"], again["cached_as"]) == (False, "m-1", None)


def test_another_attempt_of_the_code_is_answered_what_was_answered_before(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    send, seen = answering(200)
    first = [found.exchange(sent(), send) for _ in range(2)]
    found.again()
    second = [found.exchange(sent(), send) for _ in range(2)]
    assert [json.loads(each.body) for each in second if each] == [
        json.loads(each.body) for each in first if each
    ]
    assert len(seen) == 2
    assert len(found.made) == 2
    found.exchange(sent(), send)
    assert (len(seen), [kept.occurrence for kept in found.made]) == (3, [1, 2, 3])


def test_cached_exchanges_are_found_by_request_trial_and_occurrence_whatever_the_host(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    send, seen = answering(200)
    found.exchange(sent("of fork-1"), send)
    Store().keep(tmp_path, found.made)
    elsewhere = OutgoingRequest(
        method="POST", url="http://localhost:1/v1/chat/completions", body=sent("of run-1").body
    )
    later = exchanges(tmp_path, mode=AnswersMode.OFFLINE)
    answer = later.exchange(elsewhere, send)
    assert answer is not None
    assert json.loads(answer.body) == ANSWER
    assert (len(seen), later.all_reused, later.made) == (1, True, ())
    with pytest.raises(Unwound):
        later.exchange(elsewhere, send)
    assert isinstance(later.failure(None), AnswerMissingError)
    with pytest.raises(Unwound):
        exchanges(tmp_path, mode=AnswersMode.OFFLINE, trial=2).exchange(elsewhere, send)
    assert len(seen) == 1


def test_a_client_that_retries_by_itself_gets_the_same_response(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    send, seen = answering(503, 503, 200)
    for _ in range(3):
        answer = found.exchange(sent(), send)
        assert answer is not None
        assert (answer.status, answer.header("x-should-retry")) == (503, "false")
    assert len(seen) == 2
    assert "503: no" in str(found.failure(None))
    assert found.made == ()


def test_a_failure_that_the_code_recovered_from_does_not_count(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    found.exchange(sent("too long"), answering(400)[0])
    found.exchange(sent("shorter"), answering(200)[0])
    assert found.failure(None) is None


def test_responses_without_an_answer_of_a_model_are_not_cached(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    found.exchange(sent(), lambda _sent: Received(status=200, body=b"<html>maintenance</html>"))
    assert found.made == ()
    said = str(found.failure(None))
    assert said.startswith("the response is not a model's answer: ")
    assert "<html>maintenance</html>" in said


def test_a_refusal_that_the_code_swallows_still_ends_the_trial(tmp_path: Path) -> None:
    found = exchanges(tmp_path)
    with pytest.raises(Unwound):
        found.exchange(sent(path="/charge"), answering(200)[0])
    with pytest.raises(Unwound):
        found.connects("a connection to db:5432")
    problem = found.failure(None)
    assert isinstance(problem, ToolDeniedError)
    assert "POST models.example/charge" in str(problem)
    live = exchanges(tmp_path, kind=Kind.LIVE)
    assert live.exchange(sent(path="/charge"), answering(200)[0]) is None
    live.connects("a connection to db:5432")
    assert live.failure(None) is None


def test_after_its_end_nothing_is_asked(tmp_path: Path) -> None:
    found = exchanges(tmp_path, kind=Kind.LIVE)
    found.close()
    send, seen = answering(200)
    with pytest.raises(ConnectionRefusedError):
        found.exchange(sent(), send)
    with pytest.raises(ConnectionRefusedError):
        found.connects("a connection to db:5432")
    assert seen == []

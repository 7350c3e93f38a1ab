"""What cannot be measured is an error of its trial, after as many attempts as it deserves."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from refork.fork import ForkSession
from refork.fork.attempts.retry_policy import Retries, is_transient, wait_for
from refork.records import Run
from refork.records.outcome import ErrorKind, ForkStatus, TrialError
from refork.records.variant import Variant
from support.forks import CAREFUL, case_of, limits, measure, text_of
from support.model_server import Failure, ModelServer
from support.sampled import sampled


@pytest.fixture(autouse=True)
def short_waits(session: ForkSession) -> Generator[None]:
    with limits(session):
        yield


TRANSIENT = {
    "rate limit": Failure(429, "slow down"),
    "server error": Failure(500, "broken"),
    "bad gateway": Failure(502, "upstream"),
    "overloaded": Failure(503, "overloaded"),
    "dropped connection": Failure(drop=True),
    "lock timeout": Failure(409, "conflict"),
    "rate limit with a time": Failure(429, "slow down", headers={"retry-after": "0.05"}),
    "rate limit with milliseconds": Failure(429, "slow down", headers={"retry-after-ms": "20"}),
}
REFUSED = {
    "bad request": (Failure(400, "no such parameter"), "BadRequestError"),
    "no permission": (Failure(401, "wrong key"), "AuthenticationError"),
    "forbidden": (Failure(403, "not yours"), "PermissionDeniedError"),
    "unknown model": (Failure(404, "no such model"), "NotFoundError"),
}


@pytest.mark.parametrize("name", sampled(TRANSIENT, quick=["server error", "rate limit with a time"]))
def test_a_transient_error_is_tried_again_and_leaves_no_mark(
    name: str, runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.fail_next(TRANSIENT[name], times=2)
    outcome = measure(session, case_of(runs["one_call"]), 1)
    assert outcome.trials[0].error is None
    assert server.count == 3


@pytest.mark.parametrize("name", sampled(TRANSIENT, quick=["server error", "rate limit with a time"]))
def test_a_persistent_transient_error_is_an_error_without_an_answer(
    name: str, runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.script = lambda _request: TRANSIENT[name]
    outcome = measure(session, case_of(runs["one_call"]), 2)
    assert outcome.status is ForkStatus.MEASURED
    assert [trial.answer for trial in outcome.trials] == [None, None]
    for trial in outcome.trials:
        assert trial.error is not None
        assert TRANSIENT[name].message in trial.error.message or trial.error.type == "APIConnectionError"
    assert server.count == 2 * 3


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_not_tried_again_and_its_text_is_kept(
    name: str, runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    failure, kind = REFUSED[name]
    server.script = lambda _request: failure
    outcome = measure(session, case_of(runs["one_call"]), 2)
    for trial in outcome.trials:
        assert trial.error is not None
        assert trial.error.type == kind
        assert failure.message in trial.error.message
    assert server.count == 2


def test_an_answer_that_takes_longer_than_a_trial_may_is_an_error(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.latency = 1.0
    with limits(session, attempts=2, trial_seconds=0.1):
        outcome = measure(session, case_of(runs["one_call"]), 1)
    assert outcome.trials[0].error == TrialError(
        type="TimeoutError", message="no answer within 0.1 s", kind=ErrorKind.PROVIDER
    )
    assert server.count == 1


def test_one_failing_trial_leaves_the_others_alone(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.fail_next(Failure(400, "just once"))
    outcome = measure(session, case_of(runs["one_call"]), 5)
    assert sorted(trial.error is None for trial in outcome.trials) == [False, True, True, True, True]


def test_the_time_of_a_trial_is_that_of_the_attempt_that_answered(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.latency = 0.15
    server.fail_next(Failure(500), times=2)
    outcome = measure(session, case_of(runs["one_call"]), 1)
    assert 0.15 <= outcome.trials[0].seconds < 0.3


def test_a_template_error_is_an_error_of_that_variant_only(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    broken = Variant(name="broken", path=Path("broken.md"), template="Hello\n{{ customer }}")
    outcome = measure(session, case_of(runs["one_call"]), 3, broken, CAREFUL)
    by_variant = {variant: outcome.trials_of(variant) for variant in ("current", "broken", "careful")}
    assert all(trial.answer for trial in by_variant["current"] + by_variant["careful"])
    assert {trial.error for trial in by_variant["broken"]} == {
        TrialError(
            type="TemplateError",
            message="'broken.md', line 2: 'customer' is undefined; a prompt has agent, baseline, model",
            kind=ErrorKind.REQUEST,
        )
    }
    assert server.count == 6


def test_settings_that_the_sdk_does_not_know_are_an_error_of_that_variant_only(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    odd = Variant(name="odd", settings={"warmth": 1})
    outcome = measure(session, case_of(runs["one_call"]), 2, odd)
    assert all(trial.answer for trial in outcome.trials_of("current"))
    assert all("warmth" in str(trial.error) for trial in outcome.trials_of("odd"))
    assert server.count == 2


def test_an_answer_without_json_where_json_was_asked_for_is_an_answer(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.script = lambda _request: "I would rather not."
    outcome = measure(session, case_of(runs["structured_output"]), 1)
    assert text_of(outcome.trials[0]) == "I would rather not."
    assert outcome.trials[0].answer is not None
    assert outcome.trials[0].answer.structured is None


def test_a_listener_that_raises_loses_no_answer(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    def raises(_trial: Any) -> None:
        raise LookupError("in the listener")

    fork = session.fork(case_of(runs["one_call"]), on_trial=raises)
    futures = fork.run(CAREFUL, 3)
    answers = [future.result(5) for future in futures]
    fork.close()
    assert fork.wait(5)
    assert all(trial.answer for trial in answers)
    assert (len(fork.outcome().trials), fork.outcome().reason) == (3, "")


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (ValueError(), False),
        (type("APIConnectionError", (Exception,), {})(), True),
        (type("Throttled", (Exception,), {"status_code": 429})(), True),
        (type("Teapot", (Exception,), {"status_code": 418})(), False),
        (type("Odd", (Exception,), {"status_code": "429"})(), False),
    ],
)
def test_transient_errors_are_recognised_by_status_type_and_name(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 4.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 4.0),
        ({"retry-after": "nan"}, 4.0),
        ({"retry-after": "3600"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1m"}, 4.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 4.0),
        ({"retry-after": "7", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m"}, 7.0),
    ],
)
def test_a_wait_is_as_long_as_the_server_asks_within_reason(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert wait_for(3, Retries(first_wait=1.0), headers.get) == seconds


def test_a_date_to_come_is_waited_for() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    wait = wait_for(1, Retries(), {"retry-after": soon}.get)
    assert wait is not None
    assert 20 < wait <= 30


def test_a_server_that_asks_to_wait_too_long_is_not_asked_again(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    before = len(server.requests)
    server.fail_next(Failure(429, "come back tomorrow", headers={"retry-after": "86400"}), times=1)
    outcome = measure(session, case_of(runs["one_call"]), 1)
    assert outcome.trials[0].error is not None
    assert outcome.trials[0].error.kind is ErrorKind.PROVIDER
    assert len(server.requests) == before + 1


@pytest.mark.parametrize(
    "failure",
    [
        Failure(401, "wrong key", code="invalid_api_key"),
        Failure(429, "You exceeded your current quota", code="insufficient_quota"),
        Failure(400, "Your credit balance is too low to access the API"),
        Failure(402, "payment required"),
    ],
    ids=lambda failure: failure.code or failure.message,
)
def test_an_account_that_cannot_be_used_is_asked_once(
    failure: Failure, runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    before = len(server.requests)
    server.fail_next(failure, times=50)
    with limits(session, concurrency=1):
        outcome = measure(session, case_of(runs["one_call"]), 6)
    server._failures.clear()
    errors = [trial.error for trial in outcome.trials]
    assert {error.kind for error in errors if error} == {ErrorKind.ACCOUNT}
    assert len(server.requests) == before + 1
    assert sum("not sent" in error.message for error in errors if error) == 5


def test_trials_that_end_alike_for_good_are_stopped_after_a_few(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.fail_next(Failure(400, "context length exceeded", code="context_length_exceeded"), times=50)
    with limits(session, concurrency=1):
        outcome = measure(session, case_of(runs["one_call"]), 20)
    server._failures.clear()
    assert server.count == 3
    errors = [trial.error for trial in outcome.trials if trial.error is not None]
    assert len(errors) == 20
    assert errors[-1].message.startswith("not tried: the 3 trials before it ended alike")


def test_errors_that_are_alike_and_stay_are_stopped_too(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.fail_next(Failure(503, "overloaded"), times=50)
    with limits(session, attempts=1, concurrency=1):
        outcome = measure(session, case_of(runs["one_call"]), 20)
    server._failures.clear()
    assert server.count == 10
    assert str(outcome.trials[-1].error).count("not tried: the 10 trials before it ended alike") == 1


def test_trials_that_fail_for_the_moment_are_all_tried(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.fail_next(Failure(503, "overloaded"), times=50)
    with limits(session, attempts=1, concurrency=1):
        measure(session, case_of(runs["one_call"]), 6)
    server._failures.clear()
    assert server.count == 6

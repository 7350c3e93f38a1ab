"""Explains what an exception means for a trial: who caused it, and whether another draw could end differently."""

from typing import Any, Final

from refork.errors import (
    AnswerMissingError,
    DatabaseError,
    InternalError,
    ReforkError,
    StaleError,
    ToolDeniedError,
    UnreadableAnswerError,
)
from refork.fork.attempts.retry_policy import is_transient, is_unanswered
from refork.records.outcome import ErrorKind, TrialError
from refork.redaction.error_text import message_of, name_of

_ACCOUNT_CODES: Final = frozenset(
    {
        "account_deactivated",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_quota",
        "invalid_api_key",
        "invalid_authentication",
        "authentication_error",
        "access_terminated",
    }
)
_ACCOUNT_WORDS: Final = (
    "api key not valid",
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
    "invalid access token",
    "reached your specified api usage limits",
    "token is expired",
    "exceeded your current quota",
    "incorrect api key",
    "invalid api key",
    "invalid x-api-key",
    "payment required",
)
_CLIENTS: Final = frozenset(
    {
        "aiohttp",
        "anthropic",
        "botocore",
        "google",
        "groq",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "litellm",
        "mistralai",
        "openai",
        "requests",
        "urllib3",
    }
)
_UNUSABLE_ANSWERS: Final = frozenset(
    {"ContentFilterError", "ModelBehaviorError", "OutputParserException", "UnexpectedModelBehavior"}
)
"""Exceptions of agent frameworks: the model answered, and the answer was no call, or no output, that they can use."""
_NO_ANSWER: Final = "Invalid response"
"""The first words of Pydantic AI's message about a response that is not in the provider's protocol."""
_OF_REFORK: Final = {
    AnswerMissingError: ErrorKind.ANSWER_MISSING,
    ToolDeniedError: ErrorKind.DENIED,
    StaleError: ErrorKind.STALE,
    InternalError: ErrorKind.INTERNAL,
    DatabaseError: ErrorKind.OTHER,
    UnreadableAnswerError: ErrorKind.OTHER,
}


def trial_error(error: BaseException, *, seconds: float | None = None, own: bool = False) -> TrialError:
    """Return the error of a trial that ended with an exception. ``seconds`` is the time that it was allowed.

    ``own`` says that the application's own code raised it, which is a failure and no error of measurement.
    """
    message = message_of(error)
    if not message and isinstance(error, TimeoutError) and seconds is not None:
        message = f"no answer within {seconds:g} s"
    kind = ErrorKind.APPLICATION if own else kind_of(error)
    message = message or "it says nothing more"
    return TrialError(type=name_of(error), message=message, own=own, kind=kind)


def is_of_the_answer(name: str, message: str) -> bool:
    """Return whether a framework raised the exception ``name`` because it could not use what the model answered."""
    return name in _UNUSABLE_ANSWERS and not message.startswith(_NO_ANSWER)


def kind_of(error: BaseException) -> ErrorKind:
    """Return who caused an exception that the application's code did not raise itself."""
    for kind, found in _OF_REFORK.items():
        if isinstance(error, kind):
            return found
    if is_account_problem(error):
        return ErrorKind.ACCOUNT
    status = status_of(error)
    if is_transient(error) or is_unanswered(status):
        return ErrorKind.PROVIDER
    if status is not None:
        return ErrorKind.REQUEST if 400 <= status < 500 else ErrorKind.OTHER
    return ErrorKind.OTHER if not isinstance(error, ReforkError) else ErrorKind.REQUEST


def is_account_problem(error: BaseException) -> bool:
    """Return whether no call of this account can succeed: its key is wrong, or its quota is used up."""
    status = status_of(error)
    if status in (401, 402):
        return True
    if status is None or not 400 <= status < 500:
        return False
    codes = {code for code in (_said(error, "code"), _said(error, "type")) if code}
    words = message_of(error).lower()
    return bool(codes & _ACCOUNT_CODES) or any(each in words for each in _ACCOUNT_WORDS)


def is_of_a_client(error: BaseException) -> bool:
    """Return whether a client library of a model or of HTTP raised the exception, judging by its class."""
    roots = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return status_of(error) is not None or bool(roots & _CLIENTS) or is_transient(error)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an error; None if it has none."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def not_sent(first: TrialError) -> TrialError:
    """Return the error of a trial that was not sent because its account cannot be used."""
    return TrialError(
        type=first.type,
        kind=ErrorKind.ACCOUNT,
        message=f"not sent: an earlier call with the same account was refused ({first.message})",
    )


def blocked(seconds: float) -> str:
    """Explain that the code at the fork point does not give its event loop back."""
    return (
        f"the code at the fork point blocks its event loop: nothing was answered within {seconds:g} s, and it could "
        "not be stopped; await what it waits for, or raise trial_timeout in [tool.refork]"
    )


def _said(error: BaseException, name: str) -> str | None:
    """Return the provider's word for a problem, from the exception or its response body; None if there is none."""
    direct: Any = getattr(error, name, None)
    if isinstance(direct, str):
        return direct
    body: Any = getattr(error, "body", None)
    inner: Any = body.get("error", body) if isinstance(body, dict) else None
    found: Any = inner.get(name) if isinstance(inner, dict) else None
    return found if isinstance(found, str) else None

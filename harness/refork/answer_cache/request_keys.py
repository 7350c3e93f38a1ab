"""Computes the keys of cached answers: which requests count as the same."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final, TypeVar

from refork.errors import BadInputError
from refork.records import Request
from refork.redaction.process_secrets import hiding_environment

_Function = TypeVar("_Function", bound=Callable[[str], str])
_DIGITS: Final = 24
_registered: list[Callable[[str], str]] = []


def normalizer(function: _Function) -> _Function:
    """Register a function that takes each text of a request and returns the text to use for the digest.

    It changes only the digest, not what is sent, and must return the same result for the same text. Returns the
    function unchanged. Raises BadInputError if it is not callable.
    """
    if not callable(function):
        raise BadInputError(f"a normalizer must be a function of a text, and is {function!r}")
    _registered.append(function)
    return function


def normalizers() -> tuple[str, ...]:
    """Return the names of the registered normalizers, in order."""
    return tuple(function.__name__ for function in _registered)


def forget_normalizers() -> None:
    """Forget all normalizers, so that one test session does not see those of another in the same process."""
    _registered.clear()


def digest_of(request: Request, *, code: str = "", own_ids: Iterable[str] = ()) -> str:
    """Return a digest of a request: 24 hexadecimal digits that depend on everything that is sent.

    That is the model, settings, instructions, input, tools and output schema. The agent's name is not sent and does
    not count, and neither does a key from the environment, which differs between machines. ``code`` identifies
    everything else that influences the answer; ``own_ids`` are ids of the fork itself, which differ between any two
    forks. Raises BadInputError if a normalizer raises or does not return a text.
    """
    hide, ids = hiding_environment(), tuple(own_ids)

    def plain(text: str) -> str:
        text = hide(text)
        for own in ids:
            text = text.replace(own, "<run>")
        return text

    sent = {key: value for key, value in asdict(request).items() if key != "agent"}
    return digest([_normalized(sent, plain), code])


def digest(value: Any) -> str:
    """Return 24 hexadecimal digits that depend on a value as JSON, but not on the order of its keys."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _normalized(value: Any, plain: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return _text(plain(value))
    if isinstance(value, dict):
        return {str(key): _normalized(each, plain) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_normalized(each, plain) for each in value]
    return value


def _text(text: str) -> str:
    for function in _registered:
        try:
            changed: Any = function(text)
        except Exception as error:
            raise BadInputError(
                f"normalizer {function.__name__!r} raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(changed, str):
            raise BadInputError(f"normalizer {function.__name__!r} must return a text, and gave {changed!r}")
        text = changed
    return text

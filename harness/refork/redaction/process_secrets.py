"""The secrets that this process knows: those of its environment, its clients and its databases.

They are searched by value, whatever is around them. Only this module knows them all.
"""

import json
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock
from typing import Final
from urllib.parse import quote, unquote

from refork.redaction.detectors.names import is_random, is_secret_name, is_value

SHORTEST: Final = 8
"""The minimum number of characters of a value that is searched for, because shorter ones occur in innocent words.
"""
HIDDEN: Final = "***"
KEY_HEADERS: Final = (
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "cookie",
    "proxy-authorization",
)
"""Request headers whose values are remembered as secrets once the request is sent."""
_NAMED: Final = re.compile(
    r"(?:^|_)(?:KEY|TOKEN|PAT|SECRET|PASS|PASSWORD|PASSWD|PWD|CREDENTIALS?|COOKIE)(?:$|_|S$)"
)
_NOT_SECRET: Final = re.compile(r"(?:_FILE|_PATH|_DIR|_NAME|_ID|_URL|_URI|_TYPE|_SOCK|_HOST)$")
_USERINFO: Final = re.compile(r"://[^\s:/@]*:([^\s@/]+)@")
_IGNORED: Final = frozenset({"PYTEST_CURRENT_TEST"})
_lock = Lock()
_given: set[str] = set()
_found: set[str] = set()
_as_they_are: ContextVar[bool] = ContextVar("refork_secrets_as_they_are", default=False)


def hold(*values: object) -> None:
    """Remember a secret that was passed to a client or a database: a key, a password, the value of a header."""
    found = {part for value in values if isinstance(value, str) for part in (value, value.rpartition(" ")[2])}
    with _lock:
        _given.update(value for value in found if is_looked_for(value))


def hold_headers(headers: object) -> None:
    """Remember the keys among the headers of a request."""
    items = headers.items() if isinstance(headers, Mapping) else ()
    hold(*(_text(value) for name, value in items if _text(name).lower() in KEY_HEADERS))


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def note_found(value: str) -> None:
    """Remember a secret that was found by its form, to remove it from what was written before."""
    if is_looked_for(value):
        with _lock:
            _found.add(value)


def forget() -> None:
    """Forget all remembered secrets, because the next session of this process has its own clients."""
    with _lock:
        _given.clear()
        _found.clear()


@contextmanager
def left_as_they_are() -> Generator[None]:
    """Replace nothing inside the block, because the user requested the secrets."""
    token = _as_they_are.set(True)
    try:
        yield
    finally:
        _as_they_are.reset(token)


def held() -> tuple[str, ...]:
    """Return all known values, the longest first, each also as JSON and URLs write it."""
    if _as_they_are.get():
        return ()
    with _lock:
        given = frozenset(_given)
    return _known(_environment(), given)


def held_and_found() -> tuple[str, ...]:
    """Return the values of :func:`held`, and those that were found in this process by their form."""
    with _lock:
        everything = frozenset(_given | _found)
    return () if _as_they_are.get() else _known(_environment(), everything)


def hidden(text: str) -> str:
    """Return ``text`` without the known values; the same object if it contains none."""
    return _without(text, held())


def hiding() -> Callable[[str], str]:
    """Return a function that hides the secrets known now in many texts, and looks them up only once."""
    values = held()
    return lambda text: _without(text, values)


def hiding_environment() -> Callable[[str], str]:
    """Return a function that hides the secrets of the environment alone, which do not change during a session."""
    values = _known(_environment(), frozenset())
    return lambda text: _without(text, values)


def _environment() -> tuple[tuple[str, str], ...]:
    """Return the current variables, sorted.

    Other threads may delete one meanwhile, as pytest does between tests: ``os.environ.items()`` would raise KeyError.
    """
    found = ((name, os.environ.get(name)) for name in sorted(os.environ) if name not in _IGNORED)
    return tuple((name, value) for name, value in found if value is not None)


def _without(text: str, values: tuple[str, ...]) -> str:
    for value in values:
        if value in text:
            text = text.replace(value, HIDDEN)
    return text


def is_looked_for(value: str) -> bool:
    """Return whether a secret is long and unusual enough to be searched for. A plain word also occurs in innocent
    texts.
    """
    return (
        len(value) >= SHORTEST and is_value(value) and is_random("".join(value.split())) and value[:1] != "/"
    )


@lru_cache(maxsize=8)
def _known(environment: tuple[tuple[str, str], ...], given: frozenset[str]) -> tuple[str, ...]:
    """Return the known secrets, the longest first, because one may be a part of another."""
    values = {value for name, text in environment for value in _values(name, text)} | given
    return tuple(sorted({each for value in values for each in _written(value)}, key=len, reverse=True))


def _written(value: str) -> Iterable[str]:
    return value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")


def _values(name: str, text: str) -> Iterator[str]:
    for found in _USERINFO.findall(text):
        for value in {found, unquote(found)}:
            if len(value) >= SHORTEST and is_value(value):
                yield value
    named = (_NAMED.search(name.upper()) or is_secret_name(name)) and not _NOT_SECRET.search(name.upper())
    value = text.strip()
    if named and is_looked_for(value):
        yield value

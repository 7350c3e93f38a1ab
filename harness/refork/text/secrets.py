"""Takes secrets out of texts that leave a session: what the environment holds, and what looks like a secret."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from refork.redaction.secrets import is_random, is_secret_name, is_value, secrets
from refork.redaction.spans import Span, apart

SHORTEST: Final = 8
"""Characters of a value that is looked for: a shorter one stands in innocent words."""
HIDDEN: Final = "***"
_NAMED: Final = re.compile(
    r"(?:^|_)(?:KEY|TOKEN|PAT|SECRET|PASS|PASSWORD|PASSWD|PWD|CREDENTIALS?|COOKIE)(?:$|_|S$)"
)
_NOT_SECRET: Final = re.compile(r"(?:_FILE|_PATH|_DIR|_NAME|_ID|_URL|_URI|_TYPE|_SOCK|_HOST)$")
_USERINFO: Final = re.compile(r"://[^\s:/@]*:([^\s@/]+)@")


def without_secrets(text: str) -> str:
    """``text`` without the secrets of this process's environment, and without what has the form of one.

    A value of the environment is a secret where its name says so (``OPENAI_API_KEY``), or where it is the
    password in a URL. Values shorter than :data:`SHORTEST` characters and plain words are left alone.
    """
    for value in _known(tuple(sorted(os.environ.items()))):
        if value in text:
            text = text.replace(value, HIDDEN)
    return _without_spans(text, apart(list(secrets(text))))


def _without_spans(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += [text[at : span.start], HIDDEN]
        at = span.end
    return "".join([*parts, text[at:]])


def secrets_of(environment: Mapping[str, str]) -> frozenset[str]:
    """The values of an environment that are secrets."""
    return frozenset(value for name, text in environment.items() for value in _values(name, text))


@lru_cache(maxsize=8)
def _known(environment: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The longest first: one may be a part of another."""
    return tuple(sorted(secrets_of(dict(environment)), key=len, reverse=True))


def _values(name: str, text: str) -> Iterator[str]:
    for found in _USERINFO.findall(text):
        for value in {found, unquote(found)}:
            if len(value) >= SHORTEST and is_value(value):
                yield value
    named = (_NAMED.search(name.upper()) or is_secret_name(name)) and not _NOT_SECRET.search(name.upper())
    value = text.strip()
    if named and len(value) >= SHORTEST and is_random(value) and is_value(value) and value[:1] != "/":
        yield value

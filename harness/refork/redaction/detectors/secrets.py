"""Finds every secret in a text: by the form of a token, the name of a value, its place, and the sentence around
it.

Each finder goes over a text once and limits every repetition, so the time is linear in the text's length for any
text. There is no search for high entropy, because ids, hashes and images of a run are as random as keys.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from refork.redaction.detectors import armour, assignments, kinds, prose, protocols
from refork.redaction.detectors.escapes import Unescaped
from refork.redaction.detectors.names import (
    Secrecy,
    holds,
    is_credentials,
    is_random,
    is_secret_name,
    is_value,
    secrecy_of,
)
from refork.redaction.detectors.spans import Finder, Pattern, TextSpan, lower

__all__ = [
    "Secrecy",
    "holds",
    "is_credentials",
    "is_random",
    "is_secret_name",
    "is_value",
    "secrecy_of",
    "secrets",
    "tokens",
]

_BLOB: Final = re.compile(r"[A-Za-z0-9+/_=-]{1024,}")
_WEB_TOKEN: Final = re.compile(
    kinds.START + r"eyJ[A-Za-z0-9_=-]{10,4000}\.eyJ[A-Za-z0-9_=-]{2,8000}(?:\.[A-Za-z0-9_+/=-]{0,2000})?",
    re.ASCII,
)


def secrets(text: str) -> Iterator[TextSpan]:
    """Every secret that is found in ``text``. Spans may overlap."""
    if len(text) < 4 or _BLOB.fullmatch(text):
        return
    plain = Unescaped(text)
    lowered = lower(plain.text)
    blobs = [match.span() for match in _BLOB.finditer(plain.text)] if len(text) > 1024 else []
    for finder in _finders():
        for span in finder(plain.text, lowered):
            if not blobs or not _within(span, blobs):
                yield plain.original(span)


def of_header(name: str, text: str) -> Iterator[TextSpan]:
    """Yield the secrets in the value of a header of this name."""
    lead = f"{name}: "
    for span in secrets(lead + text):
        if span.start >= len(lead):
            yield replace(span, start=span.start - len(lead), end=span.end - len(lead))


def tokens(text: str) -> Iterator[TextSpan]:
    """Find only tokens that are recognised by their form, whatever is around them."""
    return (span for span in secrets(text) if span.sure)


def _within(span: TextSpan, blobs: list[tuple[int, int]]) -> bool:
    """Return whether a span is within Base64 of a kilobyte or more: an image or an encrypted thought, in which a
    token would be chance.
    """
    return any(start < span.start and span.end < end for start, end in blobs)


@cache
def _finders() -> tuple[Finder, ...]:
    return (
        armour.private_keys,
        _by_form,
        _web_tokens,
        _by_place,
        protocols.cookies,
        protocols.manifests,
        assignments.assigned,
        prose.stated_secrets,
    )


@cache
def _forms() -> tuple[kinds.TokenForm, ...]:
    return tuple(kinds.forms())


@cache
def _patterns() -> tuple[Pattern, ...]:
    return (*kinds.inner_forms(), *protocols.patterns())


def _by_form(text: str, lowered: str) -> Iterator[TextSpan]:
    # Of two hundred forms a text has none, as a rule, and that is what must be quick.
    for form in [form for form in _forms() if form.prefix in text]:
        yield from form.find(text, lowered)


def _by_place(text: str, lowered: str) -> Iterator[TextSpan]:
    for pattern in [each for each in _patterns() if each.needles[0] in lowered]:
        yield from pattern.find(text, lowered)


def _web_tokens(text: str, lowered: str) -> Iterator[TextSpan]:
    if "eyj" in lowered:
        for match in _WEB_TOKEN.finditer(text):
            if _is_header(match[0].partition(".")[0]):
                yield TextSpan(*match.span(), "jwt")


def _is_header(part: str) -> bool:
    try:
        return b'"alg"' in base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return False

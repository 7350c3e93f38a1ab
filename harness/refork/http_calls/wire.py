"""HTTP requests and responses as plain bytes, independent of the client libraries' own classes."""

import base64
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from refork.values.nesting import is_nested_too_deeply

_OF_THE_BODY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers about the transport of a body, which are left out because the body is passed on decoded."""


@dataclass(frozen=True, kw_only=True)
class OutgoingRequest:
    """A request that a client is about to send.

    ``body`` is empty if it is not JSON. ``keyless`` says that its client was made without a key and has a
    placeholder of Refork's instead.
    """

    method: str
    url: str
    body: bytes = b""
    keyless: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def host(self) -> str:
        """Host and port, without user or password."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object; None if the request is not a POST, or the body is no JSON object."""
        if self.method.upper() != "POST" or self.body.lstrip()[:1] != b"{":
            return None
        with suppress(ValueError, RecursionError):
            found = json.loads(self.body)
            return found if isinstance(found, dict) else None
        return None

    def with_json(self, body: Mapping[str, Any]) -> "OutgoingRequest":
        """Return the request with another body."""
        return replace(
            self, body=json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        )


@dataclass(frozen=True, kw_only=True)
class Received:
    """A response that was read completely. ``headers`` are those that describe the answer, not its transport."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """Return a header by its name in lower case; None if there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def received(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Received:
    """Return a response without the headers about its transport."""
    described = tuple(
        (str(name), str(value)) for name, value in headers if str(name).lower() not in _OF_THE_BODY
    )
    return Received(status=status, headers=described, body=body)


def as_json(answer: Received) -> dict[str, Any]:
    """Return a response in the form of ``answers.jsonl``: status, content type and body, and no other header."""
    stored: dict[str, Any] = {"status": answer.status}
    kind = answer.header("content-type")
    if kind is not None:
        stored["type"] = kind
    with suppress(ValueError, RecursionError):
        found = json.loads(answer.body)
        if not is_nested_too_deeply(found):
            return {**stored, "json": found}
    try:
        stored["text"] = answer.body.decode()
    except UnicodeDecodeError:
        stored["base64"] = base64.b64encode(answer.body).decode()
    return stored


def from_json(stored: Any) -> Received | None:
    """Return the response that :func:`as_json` wrote; None for anything else."""
    if not isinstance(stored, dict) or not isinstance(stored.get("status"), int):
        return None
    kind = stored.get("type")
    headers = (("content-type", kind),) if isinstance(kind, str) else ()
    try:
        body = _body(stored)
    except (TypeError, ValueError):
        return None
    return Received(status=stored["status"], headers=headers, body=body)


def _body(stored: Mapping[str, Any]) -> bytes:
    if "json" in stored:
        return json.dumps(stored["json"], ensure_ascii=False).encode("utf-8", "replace")
    if "text" in stored:
        return str(stored["text"]).encode("utf-8", "replace")
    return base64.b64decode(str(stored.get("base64", "")), validate=True)

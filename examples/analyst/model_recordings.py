"""Recorded answers of a model: a file of JSON lines.

The first line is a header that says which model answered. Every other line is one exchange: the digest of
the request, the request itself the first time that it occurs, and the response.
"""

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

VERSION = 1
TRANSPORT = {"metadata", "prompt_cache_key", "safety_identifier", "store", "stream", "stream_options", "user"}
"""What a request may hold that has no part in the answer."""

RESPONSE = ("id", "object", "created", "model", "choices", "usage")
"""What is kept of a response. The rest is the server's own: timings, paths, fingerprints."""


class RecordingsError(Exception):
    """Recordings that cannot be used."""


def relevant(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in TRANSPORT}


def digest_of(body: Mapping[str, Any]) -> str:
    """What two requests have in common exactly if they ask for the same thing."""
    canonical = json.dumps(relevant(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer. ``request`` is None where an earlier exchange of the digest has it."""

    digest: str
    request: dict[str, Any] | None
    response: dict[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any], response: Mapping[str, Any]) -> Self:
        """What a live endpoint answered, under the name by which the application asked for the model."""
        kept = {key: response[key] for key in RESPONSE if key in response}
        return cls(
            digest=digest_of(body), request=relevant(body), response=kept | {"model": body.get("model")}
        )

    @classmethod
    def parse(cls, line: str) -> Self:
        """ValueError for a line that holds none, or whose request does not have the line's digest."""
        try:
            found = json.loads(line)
            exchange = cls(
                digest=found["digest"], request=found.get("request"), response=dict(found["response"])
            )
        except (KeyError, TypeError, AttributeError):
            raise ValueError("is no exchange of a digest, a request and a response") from None
        if exchange.request is not None and digest_of(exchange.request) != exchange.digest:
            raise ValueError("holds a request that does not have the digest beside it")
        return exchange

    def line(self, *, with_request: bool) -> str:
        request = {"request": self.request} if with_request else {}
        fields = {"digest": self.digest, **request, "response": self.response}
        return json.dumps(fields, ensure_ascii=False) + "\n"


@dataclass
class Recordings:
    """The exchanges of a file, by the digest of their request and in the order of the file."""

    path: Path
    header: dict[str, Any]
    requests: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    responses: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    arrivals: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def load(cls, path: Path) -> Self:
        """RecordingsError that names the line for a file that holds no recordings."""
        with path.open(encoding="utf-8") as file:
            lines = enumerate(file, start=1)
            recordings = cls(path, _header(path, next(lines, (1, ""))[1]))
            for number, line in lines:
                try:
                    recordings.add(Exchange.parse(line))
                except ValueError as problem:
                    raise RecordingsError(f"{path}:{number}: {problem}") from None
        return recordings

    @classmethod
    def open(cls, path: Path, about: Mapping[str, Any]) -> Self:
        """Those of ``path``, to append to. A new file starts with a header of ``about``."""
        if not path.exists() or not path.stat().st_size:
            _append(path, json.dumps({"version": VERSION, **about}, ensure_ascii=False) + "\n")
        return cls.load(path)

    @property
    def models(self) -> list[str]:
        return sorted({str(request.get("model")) for request in self.requests.values()})

    def __iter__(self) -> Iterator[Exchange]:
        for digest, responses in self.responses.items():
            for response in responses:
                yield Exchange(digest=digest, request=self.requests[digest], response=response)

    def add(self, exchange: Exchange) -> None:
        """ValueError if this is the first exchange of its digest and lacks the request."""
        if exchange.digest not in self.requests:
            if exchange.request is None:
                raise ValueError(f"is the first of {exchange.digest!r} and lacks its request")
            self.requests[exchange.digest] = exchange.request
        self.responses[exchange.digest].append(exchange.response)

    def append(self, exchange: Exchange) -> None:
        """Add it to the file as well, in one write, so that a kill leaves no half of a line."""
        _append(self.path, exchange.line(with_request=exchange.digest not in self.requests))
        self.add(exchange)

    def next_answer(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool] | None:
        """The answer whose turn it is, and whether it was given before. None if there is none."""
        digest = digest_of(body)
        if digest not in self.requests:
            return None
        responses, arrival = self.responses[digest], self.arrivals[digest]
        self.arrivals[digest] += 1
        return responses[arrival % len(responses)], arrival >= len(responses)

    def has_answer(self, body: Mapping[str, Any], draws: int | None) -> bool:
        """Whether an answer is left that was not given yet, or there are ``draws`` of them in all.

        Without ``draws``, nothing is: every answer is to be asked for.
        """
        if draws is None:
            return False
        digest = digest_of(body)
        recorded = len(self.responses.get(digest, ()))
        return recorded >= draws or self.arrivals[digest] < recorded

    def why_not(self, body: Mapping[str, Any]) -> str:
        """Which request was not recorded, and how it differs from the nearest one that was."""
        asked = f"no recorded answer of {body.get('model')!r} to {_last_line(body)!r}"
        nearest = min((_differences(body, known) for known in self.requests.values()), key=len, default=None)
        if nearest is None:
            return f"{asked}: nothing is recorded in {self.path.name}"
        return f"{asked}: the nearest recorded request differs in {', '.join(nearest)}"


def _header(path: Path, line: str) -> dict[str, Any]:
    try:
        header = json.loads(line)
        version = header["version"]
    except (ValueError, KeyError, TypeError):
        raise RecordingsError(f"{path}:1: no recordings: a header with a version is missing") from None
    if version != VERSION:
        raise RecordingsError(f"{path}:1: version {version!r} is not {VERSION}")
    return dict(header)


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _last_line(body: Mapping[str, Any]) -> str:
    content = str(body["messages"][-1].get("content") if body["messages"] else "").strip()
    return content.splitlines()[0][:100] if content else ""


def _differences(body: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    """The parts in which two requests differ, each message for itself, the fewest for the nearest."""
    ours, theirs = _parts(body), _parts(known)
    return [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]


def _parts(body: Mapping[str, Any]) -> dict[str, Any]:
    messages: Iterable[Any] = body.get("messages", [])
    rest = {key: value for key, value in relevant(body).items() if key != "messages"}
    return rest | {f"messages[{number}]": message for number, message in enumerate(messages)}

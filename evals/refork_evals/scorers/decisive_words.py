"""Finds the words of an answer that a scorer of text decided by, so that they can be shown where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from pydantic import ValidationError
from refork.errors import ReforkError
from refork.records import Answer, Case

from refork_evals.scorers.builtin.base import NothingThereError, Source
from refork_evals.scorers.registry import parse_scorer
from refork_evals.scorers.time_limits import TooLongError

_KINDS: Final = frozenset({"contains", "not_contains", "regex"})
_AROUND: Final = frozenset({"all", "any", "final"})
"""What may stand around such a scorer without turning its meaning round, as ``not`` does."""


@dataclass(frozen=True, kw_only=True)
class DecisiveWords:
    """Words of an answer, and whether they make the scorer pass or fail. ``tool`` is set where its arguments hold
    them.
    """

    text: str
    scorer: str
    passes: bool
    tool: str | None = None


@runtime_checkable
class _FindsWords(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def source(self) -> Source: ...
    def words(self, value: Any) -> tuple[str, ...]: ...


class WordFinder:
    """Finds the decisive words for the expectations of one case. Expectations that cannot be read find none."""

    def __init__(self, case: Case) -> None:
        self._scorers = [scorer for entry in case.expect for scorer in _read(entry)]

    def __call__(self, answer: Answer) -> tuple[DecisiveWords, ...]:
        found = (each for scorer in self._scorers for each in _found(scorer, answer))
        return tuple(dict.fromkeys(found))


def _read(entry: Any) -> Iterator[_FindsWords]:
    try:
        if set(entry) <= _KINDS | _AROUND:
            yield from _with_parts(parse_scorer(entry))
    except (ValidationError, ReforkError, TypeError):
        return


def _with_parts(scorer: object) -> Iterator[_FindsWords]:
    name = getattr(scorer, "name", "")
    if name in _KINDS and isinstance(scorer, _FindsWords):
        yield scorer
    elif name in _AROUND:
        for part in getattr(scorer, "parts", ()):
            yield from _with_parts(part)


def _found(scorer: _FindsWords, answer: Answer) -> Iterator[DecisiveWords]:
    try:
        words = [text for value in scorer.source.read(answer) for text in scorer.words(value)]
    except (NothingThereError, TooLongError):
        return
    for text in words:
        yield DecisiveWords(
            text=text, scorer=scorer.name, passes=scorer.name != "not_contains", tool=scorer.source.tool
        )

"""Computes digests of what a case measures."""

import inspect
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from refork.answer_cache.request_keys import digest
from refork.records import Case

from refork_evals.results import Fingerprint
from refork_evals.scorers.builtin.judge import MODEL, Judge
from refork_evals.scorers.protocol import Scorer

MEANING: Final = 1
"""A number that is increased when a built-in scorer starts to judge the same answer differently."""


def fingerprint_of(
    case: Case, scorers: Sequence[Scorer], *, test: Callable[..., Any] | None = None
) -> Fingerprint:
    """Return the fingerprint of a case under its scorers, or under a test function."""
    recorded = [case.run.id, case.run.workflow, case.step, case.scope]
    code = [*(_code(function) for function in _functions(scorers)), *([] if test is None else [_code(test)])]
    expected = [] if test is not None else [dict(entry) for entry in case.expect]
    return Fingerprint(
        run=_digest(recorded), scorers=_digest([MEANING, expected, code, sorted(set(_judges(scorers)))])
    )


def _functions(scorers: Iterable[object]) -> Iterator[Callable[..., Any]]:
    for scorer in scorers:
        function = getattr(scorer, "function", None)
        if callable(function):
            yield function
        yield from _functions(_parts(scorer))


def _judges(scorers: Iterable[object]) -> Iterator[str]:
    for scorer in scorers:
        if isinstance(scorer, Judge):
            yield scorer.model or os.environ.get(MODEL, "")
        yield from _judges(_parts(scorer))


def _parts(scorer: object) -> tuple[object, ...]:
    parts: tuple[object, ...] = getattr(scorer, "parts", ())
    return parts


def _code(function: Callable[..., Any]) -> str:
    """Return the source of a function; its name if there is none."""
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError):
        return getattr(function, "__qualname__", repr(type(function)))


def _digest(value: Any) -> str:
    return digest(value)[:16]

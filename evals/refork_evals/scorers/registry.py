"""Finds scorers by name: the built-in ones, those that a project registers, and those of installed packages.

A project registers a function in its ``conftest.py`` (:func:`scorer`). A package names one as an entry point of the
group ``refork.scorers``, whose name is the scorer's.
"""

import inspect
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError
from refork.errors import BadInputError
from refork.redaction.error_text import summary

from refork_evals.results import Score
from refork_evals.scorers.evidence import is_object, nearest, one_line, quote
from refork_evals.scorers.parameters import below, invalid
from refork_evals.scorers.protocol import NotMeasuredError, Sample, Scorer

Measure: TypeAlias = bool | float | tuple[bool | float, str] | Score
"""The return value of a user's scorer: passed or not, or a number, with or without a reason, or a Score."""

_Function = TypeVar("_Function", bound=Callable[..., Measure | Awaitable[Measure]])
_BOUNDS = ("min", "max")
GROUP: Final = "refork.scorers"
BUILT_IN: Final[dict[str, Any]] = {}
"""The built-in scorers. Each class registers itself; :mod:`refork_evals.scorers` imports them all."""
_own: dict[str, Callable[..., Any]] = {}


def scorer(name: str) -> Callable[[_Function], _Function]:
    """Register a function as the scorer ``name`` of ``case.yaml``.

    The function takes ``(sample)`` or ``(sample, **params)``, with the parameters as written in the file. It may be
    ``async``. It returns one of

    - ``bool``: whether the answer passes;
    - ``float``: a number, which the expectation limits with ``min:``, ``max:`` or both;
    - ``(bool, reason)`` or ``(float, reason)``;
    - a :class:`~refork_evals.results.Score`.

    The trial fails if the function raises because it cannot read the answer, such as a ValueError; an exception that
    no answer causes, such as an OSError, makes the trial an error. Returns a decorator that returns the function
    unchanged. The decorator raises BadInputError if the name is already used, or if the function cannot be called with
    these arguments.
    """

    def register(function: _Function) -> _Function:
        _check_name(name, function)
        _check_signature(name, function)
        _own[name] = function
        return function

    return register


def forget_scorers() -> None:
    """Forget the user's scorers, so that one test session does not see those of another in the same process."""
    _own.clear()


def known_scorers() -> tuple[str, ...]:
    """Return all scorer names that ``expect`` may contain, sorted."""
    return tuple(sorted({*BUILT_IN, *_own, *_installed()}))


def parse_scorer(entry: object) -> Scorer:
    """Return the scorer of one entry of ``expect``: a mapping with one key, the scorer's name.

    Raises pydantic's ValidationError with the path below the entry.
    """
    if not is_object(entry):
        raise invalid(f"is {quote(entry)}, but a mapping is needed: the name of a scorer, and its parameters")
    if len(entry) != 1:
        keys = ", ".join(map(repr, entry)) or "none"
        raise invalid(
            f"needs exactly one key, the name of a scorer, and has {keys}; write one entry for each"
        )
    (name, params) = next(iter(entry.items()))
    try:
        return _build(name, params)
    except ValidationError as error:
        raise below(error, str(name)) from None


def _build(name: object, params: Any) -> Scorer:
    if isinstance(name, str) and name in BUILT_IN:
        built_in: Scorer = BUILT_IN[name].parse(params)
        return built_in
    if isinstance(name, str) and name in _own:
        return FunctionScorer.parse(name, _own[name], params)
    if isinstance(name, str) and name in _installed():
        return FunctionScorer.parse(name, _function(_installed()[name]), params)
    known = known_scorers()
    raise invalid(f"unknown scorer {name!r}; {nearest(str(name), known)}")


@cache
def _installed() -> Mapping[str, EntryPoint]:
    """Return the scorers of installed packages. Looks for them once, since this reads the metadata of all packages."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _function(entry: EntryPoint) -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = entry.load()
        _check_signature(entry.name, function)
    except Exception as error:
        raise invalid(
            f"the scorer {entry.name!r} of the entry point {entry.value!r} does not load: {summary(error)}; "
            "repair or uninstall its package"
        ) from error
    return function


@dataclass(frozen=True, kw_only=True)
class FunctionScorer:
    """A user's function with the parameters of an expectation. ``low`` and ``high`` bound a number."""

    name: str
    function: Callable[..., Any]
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, name: str, function: Callable[..., Any], params: Any) -> "FunctionScorer":
        given = _as_mapping(function, params)
        bounds = {key: _bound(key, given[key]) for key in _BOUNDS if key in given}
        rest = {key: value for key, value in given.items() if key not in _BOUNDS}
        _check_params(function, rest)
        return cls(name=name, function=function, params=rest, low=bounds.get("min"), high=bounds.get("max"))

    async def score(self, sample: Sample) -> Score:
        result = self.function(sample, **self.params)
        measured = await result if inspect.isawaitable(result) else result
        return self._as_score(measured)

    def _as_score(self, measured: Any) -> Score:
        reason = ""
        if isinstance(measured, Score):
            return self._named(measured)
        if isinstance(measured, tuple) and len(measured) == 2 and isinstance(measured[1], str):
            measured, reason = measured[0], one_line(measured[1])
        if isinstance(measured, bool):
            return Score(scorer=self.name, passed=measured, reason=reason or f"returned {measured}")
        if isinstance(measured, int | float):
            return self._bounded(float(measured), reason)
        accepted = "bool, float, (bool, reason), (float, reason), Score"
        raise NotMeasuredError(f"returned {type(measured).__name__}; accepted: {accepted}")

    def _named(self, score: Score) -> Score:
        error = None if score.error is None else one_line(score.error)
        return Score(
            scorer=self.name,
            passed=score.passed,
            reason=one_line(score.reason),
            value=score.value,
            error=error,
        )

    def _bounded(self, value: float, reason: str) -> Score:
        if self.low is None and self.high is None:
            raise NotMeasuredError(
                f"returned the number {value:g}: bound it with min: or max: in the expectation"
            )
        bounds = {"at least": self.low, "at most": self.high}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        passed = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        said = f"{value:g}, wanted {wanted}" + (f": {reason}" if reason else "")
        return Score(scorer=self.name, passed=passed, reason=said, value=value)


def _as_mapping(function: Callable[..., Any], params: Any) -> Mapping[str, Any]:
    if params is None:
        return {}
    if is_object(params):
        return {str(key): value for key, value in params.items()}
    names = _parameters(function)
    if not names:
        raise invalid(f"takes no parameter but min and max, and was given {quote(params)}")
    return {names[0]: params}


def _bound(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise invalid(f"must be a number, not {quote(value)}", key)
    return float(value)


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters after the sample that can be given by name."""
    wanted = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    after_sample = list(inspect.signature(function).parameters.values())[1:]
    return tuple(parameter.name for parameter in after_sample if parameter.kind in wanted)


def _check_params(function: Callable[..., Any], params: Mapping[str, Any]) -> None:
    signature = inspect.signature(function)
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in signature.parameters.values())
    names = _parameters(function)
    for key in params:
        if key not in names and not takes_any:
            raise invalid(f"unknown key {key!r}; {nearest(key, (*names, *_BOUNDS))}", key)
    for name in names:
        if name not in params and signature.parameters[name].default is inspect.Parameter.empty:
            raise invalid("is missing", name)


def _check_name(name: str, function: Callable[..., Any]) -> None:
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise BadInputError(
            f"scorer name {name!r} must be lower-case letters, digits and _, e.g. 'cites_a_source'"
        )
    if name in BUILT_IN:
        raise BadInputError(f"scorer name {name!r} is that of a built-in scorer; choose another")
    if name in _own and _place(_own[name]) != _place(function):
        raise BadInputError(
            f"scorer {name!r} is registered twice: {_place(_own[name])} and {_place(function)}"
        )


def _place(function: Callable[..., Any]) -> str:
    """Return where a function is defined. It is the same after its module was imported again."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def _check_signature(name: str, function: Callable[..., Any]) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or parameters[0].kind not in positional:
        raise BadInputError(f"scorer {name!r} must take the sample as its first argument: def f(sample, ...)")
    for taken in _BOUNDS:
        if taken in _parameters(function):
            raise BadInputError(
                f"scorer {name!r} has a parameter {taken!r}, which bounds its number; rename it"
            )

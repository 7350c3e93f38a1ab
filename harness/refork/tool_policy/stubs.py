"""Functions that stand in for tools in a rerun, registered in the project's ``conftest.py``::

    from refork import stub

    @stub("charge")
    def fake_charge(amount, currency="EUR"):
        return {"status": "ok", "amount": amount}

They run only where ``[tool.refork.tools]`` in pyproject.toml says ``stub``.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from refork.errors import BadInputError
from refork.text.lines import nearest, one_line
from refork.tool_policy import Action, Rule, ToolPolicy, last_part

_Function = TypeVar("_Function", bound=Callable[..., Any])
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BY_NAME: Final = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
_registered: dict[str, Callable[..., Any]] = {}


def stub(name: str) -> Callable[[_Function], _Function]:
    """Register a function, plain or async, as the stub ``name``: the tool's name, or the one in pyproject.toml.

    Refork calls it with the tool's arguments by name. What it returns or raises becomes the tool's result. Returns
    a decorator that returns the function unchanged. Raises BadInputError for an invalid name, for a name that is
    already used, and for a function that does not take its arguments by name.
    """

    _check_name(name)

    def register(function: _Function) -> _Function:
        _check(name, function)
        _registered[name] = function
        return function

    return register


def registered_stubs() -> Mapping[str, Callable[..., Any]]:
    """The stubs registered so far, by name. A view: later ones appear in it."""
    return MappingProxyType(_registered)


def forget_stubs() -> None:
    """Forget all stubs, so that one test session does not see those of another in the same process."""
    _registered.clear()


def stub_for(rule: Rule, name: str, stubs: Mapping[str, Callable[..., Any]]) -> Callable[..., Any] | None:
    """Return the stub that ``rule`` names for the tool ``name``, or else the one with the tool's whole or last
    name.
    """
    names = (rule.stub,) if rule.stub is not None else (name, last_part(name))
    return next((stubs[each] for each in names if each in stubs), None)


def check_stubs(policy: ToolPolicy, stubs: Mapping[str, Callable[..., Any]] | None = None) -> None:
    """Raise BadInputError for the first rule of ``policy`` whose stub is not registered."""
    known = registered_stubs() if stubs is None else stubs
    for rule in policy.rules:
        if rule.action is Action.STUB and not _is_answered(rule, known):
            wanted = rule.stub or rule.pattern
            whose = "a stub of a name like" if rule.is_glob and rule.stub is None else "the stub"
            raise BadInputError(
                f"[tool.refork.tools] asks for {whose} {wanted!r} for {rule.pattern!r}, and nobody registered it"
                f"{nearest(wanted, known)}; register it with refork.stub in a conftest.py that the cases load"
            )


def _is_answered(rule: Rule, stubs: Mapping[str, Callable[..., Any]]) -> bool:
    if rule.stub is None and rule.is_glob:
        return any(rule.fits(name) for name in stubs)
    return stub_for(rule, rule.pattern, stubs) is not None


def accepted(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``given`` that a function of the user accepts."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(given)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in given.items() if name in names}


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):  # @stub without a name gives the function
        raise BadInputError(
            f"stub name {one_line(repr(name), 60)} must be the name of a tool, as in @stub('charge')"
        )


def _check(name: str, function: Callable[..., Any]) -> None:
    if name in _registered and place_of(_registered[name]) != place_of(function):
        raise BadInputError(
            f"stub {name!r} is registered twice: {place_of(_registered[name])} and {place_of(function)}; keep one"
        )
    if not callable(function):
        raise BadInputError(f"stub {name!r} must be a function, and is a {type(function).__name__}")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _BY_NAME:
            raise BadInputError(
                f"stub {name!r} takes {parameter.name!r} by position only, and arguments are passed by name: "
                "remove the '/' or the '*'"
            )


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function is defined. It is the same after its module was imported again."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)

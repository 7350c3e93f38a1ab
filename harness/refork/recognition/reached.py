"""Searches the functions of the application that a step's code reaches by name for a model call."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from refork.http_calls.formats import PATHS
from refork.recognition.patterns import CALLS, CLASSES, FUNCTIONS, MAKERS, RUN, WRAPPED
from refork.source_code.project_modules import is_installed
from refork.source_code.syntax_trees import parsed

_MOST: Final = 2_000
"""The most functions that are searched for one step. A larger application names its steps in ``models``."""


def asks_model(function: Callable[..., Any]) -> bool:
    """Return whether a function, or one that it reaches in the application's own modules, calls a model."""
    waiting: list[Any] = [function]
    seen: set[Any] = set()
    while waiting and len(seen) < _MOST:
        found = _plain(waiting.pop())
        if found is None or found.__code__ in seen or is_installed(found.__code__.co_filename):
            continue
        seen.add(found.__code__)
        tree = _tree(found)
        if tree is None:
            continue
        if _asks(tree, found):
            return True
        waiting += _named(tree, found)
    return False


def _plain(found: Any) -> FunctionType | None:
    """Return the function below decorators, bound methods and partials; None if there is none."""
    for _ in range(50):
        if isinstance(found, partial):
            found = found.func
        elif isinstance(found, MethodType | staticmethod | classmethod):
            found = found.__func__
        elif isinstance(found, FunctionType) and "__wrapped__" in found.__dict__:
            found = found.__dict__["__wrapped__"]
        else:
            break
    return found if isinstance(found, FunctionType) else None


def _tree(function: FunctionType) -> ast.AST | None:
    try:
        return _parsed(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError, SystemError):
        return None  # made in an interpreter, or in a form that does not stand alone


@lru_cache(maxsize=4096)
def _parsed(source: str) -> ast.AST:
    return parsed(source)


def _asks(tree: ast.AST, function: FunctionType) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _is_endpoint(node.value):
                return True
        elif isinstance(node, ast.Attribute):
            parts = [part for part in _dotted(node) if part not in WRAPPED]
            if CALLS.search(".".join(parts)):
                return True
            if parts[-1] in RUN and _is_model(_resolved(node.value, function)):
                return True
        elif isinstance(node, ast.Name) and _names_model(_value(node.id, function)):
            return True
    return False


def _is_endpoint(text: str) -> bool:
    return len(text) < 2_000 and "\n" not in text and any(path in text for path in PATHS)


def _names_model(value: Any) -> bool:
    """Return whether a global that the code uses is a model's function, class, object or address."""
    if isinstance(value, str):
        return _is_endpoint(value)
    if isinstance(value, FunctionType):
        package = (value.__module__ or "").partition(".")[0]
        return value.__name__ in FUNCTIONS.get(package, ()) or value.__name__ in MAKERS
    return _is_model(value)


def _is_model(value: Any) -> bool:
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    return any(
        (package := CLASSES.get(kind.__name__)) is not None and kind.__module__.partition(".")[0] == package
        for kind in kinds
    )


def _dotted(node: ast.AST) -> list[str]:
    """Return ``["client", "chat", "completions", "create"]``, leaving out anything in front that is not a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call):
        parts += reversed(_dotted(node.func)[:1])
    return parts[::-1]


def _named(tree: ast.AST, function: FunctionType) -> Iterator[Any]:
    """Yield the functions that the code names, and the methods of classes that it uses as such."""
    ways = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in ways:
            yield from _functions(_resolved(node, function))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from _imported(node, function)


def _functions(value: Any) -> Iterator[Any]:
    if isinstance(value, FunctionType | MethodType | partial | staticmethod | classmethod):
        yield value
    elif isinstance(value, type) and not _is_foreign(value):
        yield from (
            each
            for each in list(vars(value).values())
            if isinstance(each, FunctionType | staticmethod | classmethod)
        )


def _is_foreign(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is None or is_installed(file)


def _imported(node: ast.ImportFrom | ast.Import, function: FunctionType) -> Iterator[Any]:
    """Return what a function imports when it runs, if it is already imported."""
    package = str(function.__globals__.get("__package__") or "")
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = sys.modules.get(".".join([*above, *([node.module] if node.module else [])]))
        for alias in node.names:
            yield from _functions(vars(module).get(alias.name) if module is not None else None)


def _resolved(node: ast.AST, function: FunctionType) -> Any:
    """Return what a name, or an attribute of a module, a class or an own object, refers to. Nothing is called."""
    if isinstance(node, ast.Name):
        return _value(node.id, function)
    if not isinstance(node, ast.Attribute):
        return None
    if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return _static(_class_of(function), node.attr)
    base = _resolved(node.value, function)
    if base is None:
        return None
    if isinstance(base, ModuleType):
        return vars(base).get(node.attr)
    own = None if isinstance(base, type) else getattr(base, "__dict__", {}).get(node.attr)
    return own if own is not None else _static(base if isinstance(base, type) else type(base), node.attr)


def _static(kind: type | None, name: str) -> Any:
    with suppress(AttributeError):
        return None if kind is None else inspect.getattr_static(kind, name)
    return None


def _value(name: str, function: FunctionType) -> Any:
    cells: Mapping[str, Any] = dict(
        zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    )
    if name in cells:
        with suppress(ValueError):  # an empty cell
            return cells[name].cell_contents
    return function.__globals__.get(name)


def _class_of(function: FunctionType) -> type | None:
    """Return the class that a method was defined in; None for a function."""
    found: Any = function.__globals__
    for part in function.__qualname__.split(".")[:-1]:
        found = found.get(part) if isinstance(found, dict) else _static(found, part)
        if not isinstance(found, type):
            return None
    return found if isinstance(found, type) else None

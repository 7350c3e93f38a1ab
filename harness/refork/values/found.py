"""Classes that need no registration: the application's own, and those of the frameworks that it uses.

They are looked up among the modules that are imported already. Nothing is imported because a file names it, and
only classes that are plain data are taken: enums, dataclasses, pydantic models, NamedTuples.
"""

import dataclasses
import sys
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from refork.errors import ValueNotPortableError
from refork.source_code.project_modules import is_installed
from refork.values.classes import Coders, coders, pydantic_coders
from refork.values.types import NotPortable

FRAMEWORKS: Final = frozenset(
    {"agents", "anthropic", "langchain_core", "mcp", "openai", "pydantic_ai", "pydantic_graph"}
)
"""Packages whose classes contain the output of models and agents."""
_OURS: Final = frozenset({"refork", "refork_evals", "refork_reports", "pytest_refork"})


def coders_of(kind: type) -> Coders | None:
    """Return ``(encode, decode)`` of a class that needs no registration; None for any other."""
    if not is_plain_data(kind) or class_named(tag_of(kind)) is not kind:
        return None
    try:
        return _framework_coders(kind) if _is_framework_dataclass(kind) else coders(kind)
    except ValueNotPortableError:
        return pydantic_coders(kind) if dataclasses.is_dataclass(kind) else None
    except Exception:  # pydantic cannot make a schema of its fields
        return None


def _framework_coders(kind: type) -> Coders:
    """Return the coders of a framework's class: pydantic's, which know more about a field than its value shows,
    otherwise field by field.

    A generic class, such as the result of an agent whose output is a model, cannot be restored from JSON alone.
    """
    encode, decode = pydantic_coders(kind, exactly=False)
    try:
        fields = coders(kind)
    except ValueNotPortableError:
        return encode, decode

    def encode_either(value: Any) -> Any:
        try:
            return encode(value)
        except NotPortable:
            return tuple(fields[0](value).items())

    def decode_either(data: Any) -> Any:
        return fields[1](dict(data)) if isinstance(data, tuple) else decode(data)

    return encode_either, decode_either


def class_named(tag: str) -> type | None:
    """Return the class that ``module.QualName`` names, if its module is imported and it needs no registration."""
    module_name, found = _module_of(tag)
    if found is None or not _is_known(module_name):
        return None
    for name in _names(tag[len(module_name) + 1 :]):
        found = _member(found, name)
    return found if isinstance(found, type) and is_plain_data(found) and tag_of(found) == tag else None


def is_plain_data(kind: type) -> bool:
    """Return whether a class is an enum, a dataclass, a pydantic model or a NamedTuple, so that its fields are
    everything.
    """
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return (
        issubclass(kind, Enum | BaseModel) or is_named_tuple or dataclasses.is_dataclass(kind)
    ) and not issubclass(kind, BaseException)


def tag_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_framework_dataclass(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) and _root(kind.__module__) in FRAMEWORKS


def _is_known(module_name: str) -> bool:
    root = _root(module_name)
    if root in _OURS:
        return False
    file = getattr(sys.modules.get(module_name), "__file__", None)
    own = isinstance(file, str) and not is_installed(file)
    return own or root in FRAMEWORKS


def _module_of(tag: str) -> tuple[str, Any]:
    """Return the longest beginning of ``tag`` that is the name of an imported module, and that module."""
    name = tag.partition("[")[0]
    while "." in name:
        name = name.rpartition(".")[0]
        if name in sys.modules:
            return name, sys.modules[name]
    return "", None


def _names(path: str) -> list[str]:
    """Split ``Outer.Inner[list[int]]`` into ``["Outer", "Inner[list[int]]"]``."""
    plain, bracket, parameters = path.partition("[")
    *outer, last = plain.split(".")
    return [*outer, last + bracket + parameters]


def _member(owner: Any, name: str) -> Any:
    """Return a class within a module or a class; for a generic pydantic model, the one with these parameters."""
    plain, bracket, _ = name.partition("[")
    found = vars(owner).get(plain) if hasattr(owner, "__dict__") else None
    if not bracket or not isinstance(found, type):
        return found
    variants: list[type] = found.__subclasses__()
    return next((each for each in variants if each.__qualname__.endswith(name)), None)


def _root(module_name: str) -> str:
    return module_name.partition(".")[0]

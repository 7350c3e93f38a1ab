"""Decodes values of DBOS's tables, usually pickles, to plain JSON, or explains why they cannot be read."""

import base64
import io
import json
import pickle
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final

from dbos._serialization import PortableWorkflowError

from refork import values
from refork.dbos.application.importing import app_modules, inert_dbos, main_class
from refork.dbos.serialization import custom_serializer as serializers
from refork.dbos.serialization.dbos_values import register_dbos_values
from refork.dbos.serialization.portable_json import as_hinted, portable_error
from refork.errors import ApplicationError, ValueNotPortableError
from refork.records import Json, RecordedError
from refork.redaction.error_text import summary
from refork.values.types import recorded

PICKLE: Final = "py_pickle"
PORTABLE: Final = "portable_json"
_SHOWN: Final = 2000


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Replaces a value that could not be read from the database. ``problem`` completes the sentence "it ..."."""

    problem: str


register_dbos_values()


@contextmanager
def reading_values() -> Generator[None]:
    """Keep code that unpickling imports from starting a DBOS, and from printing into Refork's output."""
    with inert_dbos(), redirect_stdout(sys.stderr):
        yield


def read_value(text: str | None, serialization: str | None) -> object:
    """Return the value of a column, or an :class:`Unreadable`."""
    if text is None:
        return None
    return _guarded(lambda: _loaded(text, serialization))


def read_input(
    text: str | None, serialization: str | None
) -> tuple[tuple[Any, ...], dict[str, Any]] | Unreadable:
    """Return the arguments of a run."""
    if text is None:
        return Unreadable(problem="is no longer in the database; retention swept it")
    found = read_value(text, serialization)
    if isinstance(found, Unreadable):
        return found
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | Unreadable = _guarded(lambda: _arguments(found))
    return arguments


def as_the_workflow_takes_them(
    workflow: str, found: tuple[tuple[Any, ...], dict[str, Any]], serialization: str | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments in which dates that portable JSON turned into text are dates again, where the workflow's
    hints say so.
    """
    return as_hinted(workflow, *found) if _is_portable(serialization) else found


def read_error(text: str, serialization: str | None) -> tuple[RecordedError, BaseException | None]:
    """Return the exception of a step or a run as it is recorded, and the exception itself if its class can be
    imported.
    """
    found = _guarded(lambda: _loaded_error(text, serialization))
    if isinstance(found, PortableWorkflowError):
        return RecordedError(
            type=_text(found.name), message=_text(found.message), value=_encoded(found)
        ), found
    if isinstance(found, _StandIn):
        return RecordedError(type=found.kind, message=_text(found.message)), None
    if isinstance(found, BaseException):
        known = recorded(found)
        kind = known["type"].removeprefix("builtins.")
        return RecordedError(type=kind, message=_text(known["message"]), value=_encoded(found)), found
    problem = found.problem if isinstance(found, Unreadable) else "is not an exception"
    return RecordedError(type="Exception", message=f"(it {problem})"), None


@dataclass(frozen=True, kw_only=True)
class Unwritable:
    """The reason why a value has no JSON. ``problem`` completes "it ..."; ``types`` are those that need
    registration.
    """

    problem: str
    types: tuple[type, ...] = ()


def as_json(value: object) -> tuple[Json, Unwritable | None]:
    """Return ``value`` as plain JSON and None, or its replacement and the reason."""
    if isinstance(value, Unreadable):
        return _placeholder("unknown", value.problem, None), Unwritable(problem=value.problem)
    try:
        return values.encode(value), None
    except ValueNotPortableError as error:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        problem = f"cannot be written as JSON: {error}"
        why = Unwritable(problem=problem, types=values.unregistered(value))
        return _placeholder(kind, problem, _shown(value)), why


def _placeholder(kind: str, problem: str, text: str | None) -> Json:
    return {values.TAG: values.NOT_PORTABLE, "value": {"type": kind, "problem": problem, "text": text}}


def _shown(value: object) -> str | None:
    """Return the text that a person sees for a value without a JSON form."""
    try:
        return _text(repr(value)[:_SHOWN])
    except Exception:  # a __repr__ of the application's may do anything
        return None


def _encoded(error: BaseException) -> Json:
    try:
        return values.encode(error)
    except ValueNotPortableError:
        return None


def _arguments(found: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    portable = "positionalArgs" in found or "namedArgs" in found
    args, kwargs = ("positionalArgs", "namedArgs") if portable else ("args", "kwargs")
    return tuple(found.get(args) or ()), dict(found.get(kwargs) or {})


def _guarded(read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns, or an :class:`Unreadable` if it raises: unpickling runs code of the
    application.
    """
    try:
        return read()
    except (Exception, SystemExit) as error:
        return Unreadable(problem=_problem(error))


def _problem(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"needs the module {error.name!r} to be read, which is not here: run the command in the "
            "project's own environment, from its folder"
        )
    if isinstance(error, _UnknownSerializerError | _MainOnlyError | ApplicationError):
        return str(error)
    return f"cannot be read: {summary(error, 200)}"


class _UnknownSerializerError(Exception):
    pass


class _MainOnlyError(Exception):
    pass


def _loaded(text: str, serialization: str | None, *, stand_ins: bool = False) -> Any:
    if _is_portable(serialization):
        return json.loads(text)
    own = None if serialization == PICKLE else _own(serialization)
    if own is not None:
        return own.deserialize(text)
    data = io.BytesIO(base64.b64decode(text))
    # As safe as the application itself, which unpickles the same rows; a case never holds a pickle.
    return (_LenientUnpickler if stand_ins else _Unpickler)(data).load()


def _loaded_error(text: str, serialization: str | None) -> Any:
    return (
        portable_error(text) if _is_portable(serialization) else _loaded(text, serialization, stand_ins=True)
    )


def _is_portable(serialization: str | None) -> bool:
    return serialization == PORTABLE


def _own(serialization: str | None) -> serializers.Reads | None:
    """Return the application's serializer; None for an old row of an application that names none, which is a
    pickle.
    """
    own = serializers.in_use()
    if own is None:
        if serialization is None:
            return None
        raise _UnknownSerializerError(
            f"was written by the serializer {serialization!r}, which is not known here: name it in "
            "pyproject.toml, as in [tool.refork] serializer = 'myapp.db:serializer'"
        )
    if serialization is not None and own.name() != serialization:
        raise _UnknownSerializerError(
            f"was written by the serializer {serialization!r}, and [tool.refork] serializer names {own.name()!r}"
        )
    return own


class _StandIn(Exception):  # noqa: N818 - stands for an error
    """An exception whose class cannot be imported here."""

    kind = ""

    @property
    def message(self) -> str:
        return " ".join(str(argument) for argument in self.args)


class _Unpickler(pickle.Unpickler):  # noqa: S301 - production's own values, which DBOS unpickles, too
    """An unpickler that finds classes of production's main module in the application's modules."""

    def find_class(self, module: str, name: str) -> Any:
        found = main_class(name) if module == "__main__" else None
        if found is None and module == "__main__":
            raise _MainOnlyError(
                f"holds {name!r}, which its application defined in the file that was run as the main program, and "
                f"none of the modules that [tool.refork] app names has it ({', '.join(app_modules()) or 'none'}): "
                "name that file's module there, or move the class into a module that is imported"
            )
        return super().find_class(module, name) if found is None else found


class _LenientUnpickler(_Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except _MainOnlyError:
            return type(name, (_StandIn,), {"kind": name})
        except (ImportError, AttributeError):
            return type(name, (_StandIn,), {"kind": f"{module}.{name}"})


def _text(text: str) -> str:
    # Half a surrogate pair fits into no file of text.
    return text.encode("utf-8", "backslashreplace").decode()


def roles(text: str | None) -> tuple[str, ...] | None:
    """Return the roles in the JSON list that DBOS stores."""
    found: Sequence[str] | None = json.loads(text) if text else None
    return None if found is None else tuple(found)

"""Values as DBOS holds them, pickled as a rule, and the same as plain JSON, or why they cannot be read."""

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
    """Stands for a value that could not be taken out of the database. ``problem`` completes "it ..."."""

    problem: str


register_dbos_values()


@contextmanager
def reading_values() -> Generator[None]:
    """What unpickling imports may neither start a DBOS nor print where our own output goes."""
    with inert_dbos(), redirect_stdout(sys.stderr):
        yield


def read_value(text: str | None, serialization: str | None) -> object:
    """The value of a column, or an :class:`Unreadable`."""
    if text is None:
        return None
    return _guarded(lambda: _loaded(text, serialization))


def read_input(
    text: str | None, serialization: str | None
) -> tuple[tuple[Any, ...], dict[str, Any]] | Unreadable:
    """The arguments of a run."""
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
    """Arguments with the dates that portable JSON made texts of, where the workflow's hints tell them."""
    return as_hinted(workflow, *found) if _is_portable(serialization) else found


def read_error(text: str, serialization: str | None) -> tuple[RecordedError, BaseException | None]:
    """The exception of a step or a run, as it is written down, and itself where its class is at hand."""
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
    problem = found.problem if isinstance(found, Unreadable) else "is no exception"
    return RecordedError(type="Exception", message=f"(it {problem})"), None


@dataclass(frozen=True, kw_only=True)
class Unwritable:
    """Why a value has no JSON. ``problem`` completes "it ..."; ``types`` are those that want to be registered."""

    problem: str
    types: tuple[type, ...] = ()


def as_json(value: object) -> tuple[Json, Unwritable | None]:
    """``value`` as plain JSON and None, or what stands in its place, and why."""
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
    """What a person sees of a value that has no JSON."""
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
    """Unpickling runs code of the application's, which may raise anything."""
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
    """The application's serializer; None for an old row of an application that names none: a pickle."""
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
    """Looks in the application's modules for what production pickled out of its main module."""

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
    """The roles that DBOS keeps as a JSON list."""
    found: Sequence[str] | None = json.loads(text) if text else None
    return None if found is None else tuple(found)

"""Encodes values as plain JSON and decodes them, without pickle, and without importing a type because a file names
it.

None, bool, int, float, str, list and dict with text keys stand for themselves. Everything else is a tagged
object, ``{"$type": "tuple", "value": [1, 2]}``. Python's own types are known; so are the enums, dataclasses,
pydantic models and NamedTuples of the application's own modules and of agent frameworks (:mod:`refork.values.found`).
Others are written once they are registered::

    from refork import values
    values.register(Money)                                   # an Enum, dataclass, pydantic model, NamedTuple
    values.register(Matrix, encode=Matrix.rows, decode=Matrix)   # anything else

``decode(encode(x)) == x``, with the same types, for all of these but exceptions that are neither built in nor
registered: they come back with their arguments and as far as their attributes can be written, of their own class
where that is imported, else as a :class:`RecordedException`.
"""

import json
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn

from refork.errors import ValueNotPortableError
from refork.records import Json
from refork.values import found
from refork.values.classes import coders, pydantic_coders
from refork.values.types import (
    Form,
    NotPortable,
    RecordedException,
    builtin_forms,
    escaped,
    exception_form,
    is_text,
    recorded,
    untyped_decoders,
)

__all__ = [
    "DEFAULT",
    "LEFT_OUT",
    "MAX_DEPTH",
    "NOT_PORTABLE",
    "PLACEHOLDERS",
    "TAG",
    "RecordedException",
    "Registry",
    "decode",
    "decoded",
    "dumps",
    "encode",
    "loads",
    "register",
    "register_pydantic",
    "unregistered",
]

TAG: Final = "$type"
_VALUE: Final = "value"
MAX_DEPTH: Final = 100
_MAX_JSON_DEPTH: Final = 4 * MAX_DEPTH
"""The maximum depth of the JSON. A level of a value takes up to three: an object with a tag, a list, and a pair in
it.
"""
NOT_PORTABLE: Final = "not_portable"
"""The tag of the replacement of a value that cannot be written."""
LEFT_OUT: Final = "left_out"
"""The tag of the replacement of a large value that no replay needs."""
PLACEHOLDERS: Final = (NOT_PORTABLE, LEFT_OUT)
"""The tags of replacements of missing values."""
_MOST_TYPES: Final = 50
_MAX_PLAIN_BITS: Final = 8192
"""Longer integers are written in hexadecimal: Python refuses to read more than 4300 decimal digits."""


class Registry:
    """The types that can be written. Registering is safe while other threads encode and decode."""

    def __init__(self) -> None:
        self._forms: dict[type, Form] = builtin_forms()
        self._decoders: dict[str, Callable[[Any], Any]] = {
            **{form.tag: form.decode for form in self._forms.values()},
            **untyped_decoders(),
        }
        self._own_tags = frozenset(self._decoders)
        self._lock = threading.Lock()

    def copy(self) -> "Registry":
        """Return a registry with the same types, which can be extended without changing this one."""
        other = Registry()
        other._forms, other._decoders = self._forms, self._decoders
        return other

    def register(
        self,
        type: type,
        *,
        name: str | None = None,
        encode: Callable[[Any], Any] | None = None,
        decode: Callable[[Any], Any] | None = None,
    ) -> None:
        """Register ``type`` so that values of exactly this type can be written, under ``name`` (default:
        ``module.QualName``).

        ``encode`` returns a value that can be written, and ``decode`` reverses that. An Enum, a dataclass, a
        pydantic model and a NamedTuple need neither. Raises ValueNotPortableError if they are needed and missing,
        or if another type has that name.
        """
        if (encode is None) != (decode is None):
            raise ValueNotPortableError(
                f"register({type.__qualname__}) needs both encode= and decode=, or neither"
            )
        if encode is None or decode is None:
            encode, decode = coders(type)
        tag = f"{type.__module__}.{type.__qualname__}" if name is None else name
        self._add(type, Form(tag=tag, encode=encode, decode=decode))

    def register_pydantic(self, type: type, *, name: str | None = None) -> None:
        """Register a type by pydantic's ``TypeAdapter``: for plain dataclasses that hold pydantic models."""
        encode, decode = pydantic_coders(type)
        self.register(type, name=name, encode=encode, decode=decode)

    def _add(self, kind: type, form: Form) -> None:
        with self._lock:
            taken = next((other for other, known in self._forms.items() if known.tag == form.tag), kind)
            if form.tag in self._own_tags or taken is not kind or not form.tag:
                raise ValueNotPortableError(
                    f"register({kind.__qualname__}): the name {form.tag!r} is taken; pass another name="
                )
            # Replaced, never changed: readers hold no lock.
            self._forms = {**self._forms, kind: form}
            self._decoders = {**self._decoders, form.tag: form.decode}

    def encode(self, value: Any) -> Json:
        """Return ``value`` as plain JSON. Plain parts are not copied, so the result may be ``value`` itself.

        ValueNotPortableError names the type and the path of what cannot be written.
        """
        try:
            encoded: Json = self._encode(value, 0)
        except _Problem as problem:
            raise problem.error("cannot write the value") from problem.cause
        return encoded

    def decode(self, data: Json) -> Any:
        """Return the value of ``data``. Plain parts are not copied.

        Raises ValueNotPortableError for a type that is not registered, and for data that no encoder wrote.
        """
        try:
            return self._decode(data, 0)
        except _Problem as problem:
            raise problem.error("cannot read the value") from problem.cause

    def unregistered(self, value: Any) -> tuple[type, ...]:
        """Return the types of all values within ``value`` that must be registered before they can be written."""
        registry = Registry()
        registry._forms, registry._decoders = dict(self._forms), dict(self._decoders)
        found: list[type] = []
        while len(found) < _MOST_TYPES:
            try:
                registry._encode(value, 0)
            except _Problem as problem:
                if problem.kind is None:
                    break
                found.append(problem.kind)
                form = Form(tag=f"unregistered-{len(found)}", encode=_contents, decode=_contents)
                registry._forms[problem.kind] = form
            else:
                break
        return tuple(found)

    def dumps(self, value: Any) -> str:
        """Return ``value`` as JSON text without line breaks."""
        return json.dumps(self.encode(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def loads(self, text: str) -> Any:
        """Return the value that :meth:`dumps` wrote as ``text``. Raises ValueNotPortableError for any other text."""
        try:
            data = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ValueNotPortableError(f"cannot read a value: it is not JSON ({error})") from error
        return self.decode(data)

    def _encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value if value.isascii() or is_text(value) else {TAG: "str", _VALUE: escaped(value)}
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return _number(value)
        if depth >= MAX_DEPTH:
            raise _Problem(f"it is nested deeper than {MAX_DEPTH} levels, or holds itself")
        if kind is list or (kind is dict and _is_plain(value)):
            return _mapped(value, self._encode, depth + 1)
        return self._encode_other(value, kind, depth + 1)

    def _encode_other(self, value: Any, kind: type, depth: int) -> dict[str, Any]:
        form = self._forms.get(kind) or self._found(kind)
        if form is None and issubclass(kind, BaseException):
            return self._encode_exception(value, depth)
        if form is None:
            raise _Problem(_unregistered(kind), kind=kind)
        try:
            simpler = form.encode(value)
        except Exception as error:
            raise _Problem(_failed(kind, error), error) from error
        return {TAG: form.tag, _VALUE: self._encode(simpler, depth)}

    def _found(self, kind: type) -> Form | None:
        """Return the form of a class that needs no registration, and remember it."""
        known = found.coders_of(kind)
        if known is None:
            return None
        form = Form(tag=found.tag_of(kind), encode=known[0], decode=known[1])
        try:
            self._add(kind, form)
        except ValueNotPortableError:  # its name stands for another class, of a module that was loaded again
            return None
        return form

    def _found_by(self, tag: str) -> Callable[[Any], Any] | None:
        kind = found.class_named(tag)
        form = None if kind is None else self._forms.get(kind) or self._found(kind)
        return None if form is None else form.decode

    def _encode_exception(self, error: BaseException, depth: int) -> dict[str, Any]:
        form = exception_form(type(error))
        if form.tag == "exception":
            with suppress(
                Exception
            ):  # arguments that cannot be written, or a __reduce__ of its own that fails
                return {TAG: form.tag, _VALUE: self._encode(form.encode(error), depth)}
        return {TAG: "recorded_exception", _VALUE: self._encode(self._parts(error, depth), depth)}

    def _parts(self, error: BaseException, depth: int) -> dict[str, Any]:
        """Return the parts from which an exception can be rebuilt, as far as they can be written."""
        parts: dict[str, Any] = recorded(error)
        if isinstance(error, RecordedException) or not self._writes(list(error.args), depth):
            return parts
        state = {name: value for name, value in vars(error).items() if self._writes(value, depth)}
        return {**parts, "args": list(error.args), **({"state": state} if state else {})}

    def _writes(self, value: Any, depth: int) -> bool:
        try:
            self._encode(value, depth)
        except _Problem:
            return False
        return True

    def _decode(self, data: Any, depth: int) -> Any:
        kind = type(data)
        if kind is not dict and kind is not list:
            return data
        if depth >= _MAX_JSON_DEPTH:
            raise _Problem("it is nested too deeply")
        if kind is dict and TAG in data:
            return self._decode_tagged(data, depth + 1)
        return _mapped(data, self._decode, depth + 1)

    def _decode_tagged(self, data: dict[str, Any], depth: int) -> Any:
        tag = data[TAG]
        if set(data) != {TAG, _VALUE} or not isinstance(tag, str):
            raise _Problem(f"an object with the key {TAG!r} must hold a type's name and a {_VALUE!r} only")
        if tag in PLACEHOLDERS:
            raise _Problem(_reason(data[_VALUE]))
        decoder = self._decoders.get(tag) or self._found_by(tag)
        if decoder is None:
            raise _Problem(
                f"its type {tag!r} is not registered; call refork.values.register() for that type "
                "in the function that `setup` of [tool.refork] names"
            )
        simpler = self._decode(data[_VALUE], depth)
        try:
            return decoder(simpler)
        except Exception as error:
            raise _Problem(f"it is not a {tag!r} ({type(error).__name__}: {error})", error) from error


def _mapped(items: Any, step: Callable[[Any, int], Any], depth: int) -> Any:
    """Apply ``step`` to each of ``items``, a list or a dict; returns the same object if nothing changes."""
    changed: Any = None
    for key, item in enumerate(items) if type(items) is list else items.items():
        try:
            found = step(item, depth)
        except _Problem as problem:
            problem.path.append(f"[{key}]" if type(items) is list else f".{key}")
            raise
        if found is not item:
            changed = items.copy() if changed is None else changed
            changed[key] = found
    return items if changed is None else changed


def _is_plain(items: dict[Any, Any]) -> bool:
    # A loop takes half the time of a generator, and this is asked of every dict.
    for key in items:
        if type(key) is not str or not (key.isascii() or is_text(key)):
            return False
    return TAG not in items


def _number(value: int | float) -> Json:
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_PLAIN_BITS else {TAG: "int", _VALUE: f"{value:x}"}
    return value if math.isfinite(value) else {TAG: "float", _VALUE: repr(value)}


class _Problem(Exception):  # noqa: N818 - carries a message up to encode() or decode(), which raise it properly
    """A problem with a part of a value. The path to the part is extended on the way up."""

    def __init__(self, message: str, cause: BaseException | None = None, *, kind: type | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.kind = kind
        self.path: list[str] = []

    def error(self, what: str) -> ValueNotPortableError:
        parts = self.path[::-1]
        path = "".join([*parts[:10], "…"] if len(parts) > 10 else parts)
        where = f"{what} at {path!r}" if path else what
        return ValueNotPortableError(" ".join(f"{where}: {self.message}".split()))


def _unregistered(kind: type) -> str:
    return (
        f"its type {kind.__module__}.{kind.__qualname__} is not registered; call "
        f"refork.values.register({kind.__qualname__}) in the function that `setup` of [tool.refork] names"
    )


def _contents(value: Any) -> Any:
    """Return the parts of an object, to look for problems in them."""
    return dict(getattr(value, "__dict__", {}))


def _reason(placeholder: Any) -> str:
    """Return why a value is missing, from its replacement."""
    found = placeholder if isinstance(placeholder, dict) else {}
    if "problem" in found:
        return f"it is not in the case: it {found['problem']}"
    return f"it is not in the case: {found.get('text') or 'it was left out'}"


def _failed(kind: type, error: Exception) -> str:
    if isinstance(error, NotPortable):
        return f"its type {kind.__module__}.{kind.__qualname__} {error}"
    return f"encode of {kind.__module__}.{kind.__qualname__} raised {type(error).__name__}: {error}"


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DEFAULT: Final = Registry()
"""The registry to which an application adds its types, and with which cases are read."""

register = DEFAULT.register
register_pydantic = DEFAULT.register_pydantic
encode = DEFAULT.encode
decode = DEFAULT.decode
unregistered = DEFAULT.unregistered


def decoded(data: Json) -> Any:
    """Return the value of ``data``, or ``data`` itself if one of its types is not available."""
    try:
        return DEFAULT.decode(data)
    except ValueNotPortableError:
        return data


dumps = DEFAULT.dumps
loads = DEFAULT.loads

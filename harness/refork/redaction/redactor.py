"""Replaces secrets in a run before anything of it is written.

The same secret gets the same placeholder everywhere in a case, ``<secret:aws-key:1>``, so equal values stay equal.
Structure and types are preserved: JSON in a text is still JSON, bytes are bytes, and numbers, dates and ids are
left alone. Everything is scanned before anything is replaced, so a password found in one step is also replaced in
the steps before it.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from refork.errors import ApplicationError, BadInputError
from refork.redaction.detectors import secrets
from refork.redaction.detectors.personal import KINDS
from refork.redaction.detectors.spans import PLACEHOLDER, Pattern, TextSpan, all_of, apart, places
from refork.redaction.process_secrets import HIDDEN, held, note_found
from refork.text.lines import nearest
from refork.values import TAG

Where: TypeAlias = int | None
"""The place of a value: a step's number, None for the run's own input, output and error."""

CUSTOM: Final = "custom"
HELD: Final = "held"
"""The kind of a secret of the environment or of a client."""
_TYPED: Final = frozenset(
    {"datetime", "time", "date", "timedelta", "decimal", "uuid", "int", "float", "complex"}
)
"""Tags of values whose text is parsed again as something else."""
_BYTES: Final = frozenset({"bytes", "bytearray"})
_IDS: Final = frozenset({"id", "call_id", "tool_call_id", "response_id", "item_id", "request_id"})
_MOST_JSON: Final = 5_000_000


@dataclass(kw_only=True)
class Replaced:
    """The replacements of one kind: the number of different values, of places, and the steps."""

    kind: str
    values: set[str] = field(default_factory=set[str])
    places: int = 0
    steps: set[Where] = field(default_factory=set[Where])


def checked_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds in ``emails,phones``. Raises BadInputError for an unknown one."""
    kinds = [part.strip() for part in text.split(",") if part.strip()]
    for kind in kinds:
        if kind not in KINDS:
            raise BadInputError(
                f"--redact {kind!r} is not a kind{nearest(kind, KINDS)}; accepted: {', '.join(KINDS)}"
            )
    return tuple(dict.fromkeys(kinds))


class Redactor:
    """Finds and replaces secrets in one case.

    ``kinds`` are keys of :data:`KINDS`; ``function`` takes each text and returns its replacement; ``placeholder``
    replaces every secret, or None for numbered placeholders.
    """

    def __init__(
        self,
        *,
        kinds: Sequence[str] = (),
        function: Callable[[str], object] | None = None,
        find_secrets: bool = True,
        placeholder: str | None = None,
    ) -> None:
        self._personal: tuple[Pattern, ...] = tuple(pattern for kind in kinds for pattern in KINDS[kind])
        self._function = function
        self._protected: set[str] = set()
        self._find_secrets = find_secrets
        self._placeholder = placeholder
        self._held = held() if find_secrets else ()
        self._kinds: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._spread: re.Pattern[str] | None = None
        self._known: set[str] = set()
        self._clean: set[int] = set()
        self._report: dict[str, Replaced] = {}

    @property
    def replaced(self) -> Sequence[Replaced]:
        return sorted(self._report.values(), key=lambda found: found.kind)

    @property
    def idle(self) -> bool:
        """True if nothing in everything that was scanned must be replaced."""
        return not self._placeholders and self._function is None

    def protect(self, names: Iterable[str | None]) -> None:
        """Leave these texts unchanged where they occur alone: names of workflows, steps and tools."""
        self._protected.update(name for name in names if name)

    def scan(self, value: Any) -> None:
        """Learn the secrets in an encoded value."""
        for text, name in _texts(value):
            self._learn(text, name)

    def apply(self, value: Any, where: Where) -> Any:
        """Return the value without secrets; the same object if nothing changes. Scan everything first."""
        return self._applied(value, None, where)

    def apply_values(self, value: dict[str, Any], where: Where) -> dict[str, Any]:
        """Redact like :meth:`apply`, for a mapping whose keys are names of parameters or settings and remain."""
        return {name: self._applied(item, name, where) for name, item in value.items()}

    def _learn(self, text: str, name: str | None) -> None:
        inner = _parsed(text)
        if inner is not None:
            self.scan(inner)
            return
        for span in self._spans(text, name):
            self._register(text[span.start : span.end], span)

    def _register(self, found: str, span: TextSpan) -> None:
        if found not in self._placeholders:
            number = self._counts[span.kind] = self._counts.get(span.kind, 0) + 1
            personal = any(pattern.kind == span.kind for pattern in self._personal)
            numbered = f"<{'' if personal else 'secret:'}{span.kind}:{number}>"
            self._placeholders[found] = self._placeholder or numbered
            self._kinds[found] = span.kind
            if self._placeholder is not None:
                note_found(found)
            if not personal and (span.sure or secrets.is_random(found)):
                self._known.add(found)
                self._spread = None

    def _spans(self, text: str, name: str | None) -> list[TextSpan]:
        """Find everything to replace in a text that is not JSON. ``name`` is its key."""
        if text in self._protected or (hash(text) in self._clean and _says_nothing(name)):
            return []
        if name in _IDS and " " not in text:
            return apart([*self._held_in(text), *secrets.tokens(text)]) if self._find_secrets else []
        spans = [*all_of(self._personal, text)]
        if self._find_secrets:
            if name is not None and _is_secret(name, text):
                return [TextSpan(0, len(text), "password", sure=False)]
            spans += [*self._held_in(text), *secrets.secrets(text)]
            if name is not None and name.lower().endswith("cookie"):
                spans += secrets.of_header(name, text)
        if not spans and _says_nothing(name):
            self._clean.add(hash(text))
        return apart(_outside_placeholders(spans, text))

    def _held_in(self, text: str) -> Iterator[TextSpan]:
        """Find the secrets that this process knows, wherever they occur."""
        for value in self._held:
            for at in places(text, value):
                yield TextSpan(at, at + len(value), HELD)

    def _applied(self, value: Any, name: str | None, where: Where) -> Any:
        if isinstance(value, str):
            return self._text(value, name, where)
        if isinstance(value, list):
            found = [self._applied(item, named, where) for item, named in _named_items(value, name)]
            return found if any(a is not b for a, b in zip(found, value, strict=True)) else value
        if isinstance(value, dict):
            return self._tagged(value, where) if TAG in value else self._mapping(value, where)
        return value

    def _mapping(self, value: dict[str, Any], where: Where) -> dict[str, Any]:
        found = {
            key if key in self._protected else self._text(key, None, where): self._applied(item, name, where)
            for key, item, name in _named(value)
        }
        same = len(found) == len(value) and all(
            a is b and found[a] is value[b] for a, b in zip(found, value, strict=True)
        )
        return value if same else found

    def _tagged(self, value: dict[str, Any], where: Where) -> dict[str, Any]:
        tag, inner = value[TAG], value.get("value")
        if tag in _TYPED:
            return value
        if tag in _BYTES:
            text = _bytes_text(inner)
            found = None if text is None else self._text(text, None, where)
            if found is None or found is text:
                return value
            return {**value, "value": base64.b64encode(found.encode()).decode()}
        found = self._applied(inner, None, where)
        return value if found is inner else {**value, "value": found}

    def _text(self, text: str, name: str | None, where: Where) -> str:
        if not text or text in self._protected:
            return text
        inner = _parsed(text)
        if inner is not None:
            found = self._applied(inner, None, where)
            return text if found is inner else _dumped(found, like=text)
        changed = self._replaced(text, name, where)
        return changed if self._function is None else self._custom(self._function, changed, where)

    def _replaced(self, text: str, name: str | None, where: Where) -> str:
        spans = self._spans(text, name)
        # Learned from another place, or by now: a registered function may have made a new text.
        for span in spans:
            self._register(text[span.start : span.end], span)
        known = self._known_in(text)
        parts: list[str] = []
        at = 0
        for span in apart([*known, *spans]) if known or spans else ():
            found = text[span.start : span.end]
            placeholder = self._placeholders[found]
            self._count(self._kinds[found], found, where)
            parts += [text[at : span.start], placeholder]
            at = span.end
        return "".join([*parts, text[at:]]) if parts else text

    def _known_in(self, text: str) -> list[TextSpan]:
        """Find secrets that were found elsewhere in the run, wherever they occur."""
        if not self._known:
            return []
        if self._spread is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._spread = re.compile("|".join(map(re.escape, longest_first)))
        return [TextSpan(*match.span(), "") for match in self._spread.finditer(text)]

    def _custom(self, function: Callable[[str], object], text: str, where: Where) -> str:
        try:
            found = function(text)
        except Exception as error:
            raise ApplicationError(
                f"the function that [tool.refork] redact names raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(found, str):
            raise ApplicationError(
                f"the function that [tool.refork] redact names must give text for text, and gave {type(found).__name__}"
            )
        if found != text:
            report = self._report.setdefault(CUSTOM, Replaced(kind=CUSTOM))
            report.values.add(str(hash(text)))
            report.places += 1
            report.steps.add(where)
        return found

    def _count(self, kind: str, found: str, where: Where) -> None:
        report = self._report.setdefault(kind, Replaced(kind=kind))
        report.values.add(str(hash(found)))
        report.places += 1
        report.steps.add(where)


def without(value: Any) -> Any:
    """Return an encoded value without its secrets, each replaced by the same sign; the same object if there are
    none.
    """
    redactor = Redactor(placeholder=HIDDEN)
    redactor.scan(value)
    return value if redactor.idle else redactor.apply(value, None)


def _named_items(value: Sequence[Any], name: str | None) -> Iterator[tuple[Any, str | None]]:
    """Yield the items of a list, each with the name that its value has: ``["--password", "hunter2"]``."""
    before: Any = None
    for item in value:
        is_option = isinstance(before, str) and before.startswith("--") and secrets.is_secret_name(before[2:])
        yield item, before[2:] if is_option else name
        before = item


def _says_nothing(name: str | None) -> bool:
    """Return whether a name has no influence on whether this text is secret."""
    if name is None:
        return True
    return (
        name not in _IDS
        and not name.lower().endswith(("cookie", "auth"))
        and not secrets.is_secret_name(name)
    )


def _is_secret(name: str, text: str) -> bool:
    if PLACEHOLDER.search(text) or "://" in text or not secrets.is_value(text):
        return False
    secrecy = secrets.secrecy_of(name)
    if secrecy is secrets.Secrecy.PASSWORD:
        return True
    if name.lower() in ("auth", "_auth"):
        return secrets.is_credentials(text)
    return secrets.holds(secrecy, text, quoted=True)


def _named(value: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield the entries of a mapping, each with the name that its value has: ``{"name": "DB_PASSWORD", "value":
    ...}``.
    """
    given = value.get("name", value.get("key", value.get("Name", value.get("Key"))))
    is_pair = isinstance(given, str) and secrets.is_secret_name(given)
    for key, item in value.items():
        is_its_value = is_pair and key.lower() == "value" and isinstance(item, str) and " " not in item
        yield key, item, given if is_its_value else key


def _outside_placeholders(spans: list[TextSpan], text: str) -> list[TextSpan]:
    """Return the spans outside of placeholders, so that redacting again changes nothing."""
    if not spans or "<" not in text:
        return spans
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    return [span for span in spans if not any(span.start < end and start < span.end for start, end in taken)]


def _texts(value: Any, name: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Yield every text in an encoded value, with its key."""
    if isinstance(value, str):
        yield value, name
    elif isinstance(value, list):
        for item, named in _named_items(value, name):
            yield from _texts(item, named)
    elif isinstance(value, dict):
        if TAG in value:
            yield from _tagged_texts(value)
            return
        for key, item, named in _named(value):
            yield key, None
            yield from _texts(item, named)


def _tagged_texts(value: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    tag, inner = value[TAG], value.get("value")
    if tag in _BYTES:
        text = _bytes_text(inner)
        if text is not None:
            yield text, None
    elif tag not in _TYPED:
        yield from _texts(inner)


def _bytes_text(encoded: Any) -> str | None:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (TypeError, ValueError, binascii.Error):
        return None


def _parsed(text: str) -> Any:
    """Return the JSON object or array in a text; None for any other text."""
    if text[:1] not in "{[" or text[-1:] not in "}]" or not 2 < len(text) < _MOST_JSON:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _dumped(value: Any, *, like: str) -> str:
    """Return JSON in the same style as the original text."""
    spaced = '": ' in like or ", " in like
    return json.dumps(
        value,
        ensure_ascii=like.isascii(),
        separators=None if spaced else (",", ":"),
        indent=2 if "\n" in like else None,
    )

"""The entries of ``variants`` in ``case.yaml``: names of candidates, and variants that change what went before."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from refork.records.variant import RESERVED, USER, ChangedVariant, Variant
from refork.text.lines import is_folder_name, one_line

_ASCII_DIGITS: Final = frozenset("0123456789")
_NUMBERS: Final = {"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[0-9]+$"}}
_PLACES: Final = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": f"^([0-9]+|{USER})$"},
    "additionalProperties": {"type": "string"},
}


def checked_name(name: str) -> str:
    """Return the name of a variant. Raises ValueError for one that is always there, and for a path."""
    if name in RESERVED:
        raise ValueError(f"must not list {name!r}, which is always there; list candidates only")
    if not is_folder_name(name):
        raise ValueError(f"must list names of variants, not paths, and holds {name!r}")
    return name


def _numbered(given: Any) -> Any:
    """Step numbers out of the keys of a mapping, which are text in YAML."""
    if not isinstance(given, dict):
        return given
    return {_number(key): value for key, value in given.items()}


def _placed(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    return {key if key == USER else _number(key, f" or {USER!r}"): value for key, value in given.items()}


def _number(key: Any, other: str = "") -> int:
    text = str(key)
    if not text or not _ASCII_DIGITS.issuperset(text) or len(text) > 9:
        raise ValueError(f"must have numbers in quotes{other} for its keys, and has {one_line(text, 40)!r}")
    return int(text)


_Outputs = Annotated[dict[int, JsonValue], BeforeValidator(_numbered), WithJsonSchema(_NUMBERS)]
_Messages = Annotated[dict[int | Literal["user"], str], BeforeValidator(_placed), WithJsonSchema(_PLACES)]


class CaseVariant(BaseModel):
    """A variant that changes what went before the fork point."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="Its name in results.")
    prompt: str | None = Field(
        default=None,
        description="The candidate to try with it, by file name without .md. Default: the code's prompt.",
    )
    tool_results: _Outputs = Field(
        default_factory=dict[int, JsonValue],
        description="What tools returned instead, by the numbers of their steps, in quotes.",
    )
    step_outputs: _Outputs = Field(
        default_factory=dict[int, JsonValue],
        description="What steps returned instead, by their numbers, in quotes.",
    )
    messages: _Messages = Field(
        default_factory=dict[int | Literal["user"], str],
        description="What the user said instead, by the message's position in the input of the fork point, or `user` "
        "for the last message.",
    )

    @field_validator("name", "prompt")
    @classmethod
    def _no_path(cls, name: str | None) -> str | None:
        return None if name is None else checked_name(name)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.tool_results or self.step_outputs or self.messages):
            raise ValueError(
                f"must change something: give the variant {self.name!r} tool_results, step_outputs or messages, "
                "or list the name of a candidate"
            )
        return self

    def changed_variant(self) -> ChangedVariant:
        """The variant with the name of its candidate, as a case holds it."""
        variant = Variant(
            name=self.name,
            tool_results=self.tool_results,
            step_outputs=self.step_outputs,
            messages=dict[int | str, str](self.messages.items()),
        )
        return ChangedVariant(variant=variant, prompt=self.prompt)


def _kind(given: Any) -> str:
    return "(changes)" if isinstance(given, dict | CaseVariant) else "(name)"


ListedVariant = Annotated[
    Annotated[str, Tag("(name)")] | Annotated[CaseVariant, Tag("(changes)")], Discriminator(_kind)
]
"""An entry of ``variants``. What is wrong with one is said of what it looks like, and not of both."""

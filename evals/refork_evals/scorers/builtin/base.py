"""The base of the built-in scorers: selects the part of an answer, and turns a finding into a score."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol, runtime_checkable

from pydantic import Field, PlainValidator, WithJsonSchema, WrapValidator, model_validator
from refork.records import Answer, ToolCall

from refork_evals.results import Score
from refork_evals.scorers.evidence import is_object, one_line, quote
from refork_evals.scorers.parameters import Params
from refork_evals.scorers.protocol import Sample, Scorer
from refork_evals.scorers.registry import BUILT_IN, parse_scorer
from refork_evals.scorers.time_limits import in_time

NESTED_SCHEMA: Final = "x-refork-expectation"
"""The placeholder in a scorer's JSON Schema for a whole expectation."""

Nested = Annotated[Scorer, PlainValidator(parse_scorer), WithJsonSchema({NESTED_SCHEMA: True})]
"""A parameter that is an expectation itself."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of a scorer for one value. ``reason`` quotes the evidence for a pass or a failure."""

    passed: bool
    reason: str
    value: float | None = None


@runtime_checkable
class Checks(Protocol):
    """A scorer that can judge any value, such as one argument of a tool call."""

    def check(self, value: Any) -> Finding: ...


class NothingThereError(Exception):
    """The part of the answer that a scorer looks at does not exist."""


class Source(Params):
    """The part of an answer to score: its text, its structured form, or the arguments of a tool's calls."""

    short_form: ClassVar[str | None] = "part"

    part: Literal["text", "structured"] | None = None
    tool: str | None = Field(default=None, min_length=1)
    argument: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if (self.part is None) == (self.tool is None):
            raise ValueError("must be text, structured or {tool: NAME, argument: NAME}")
        if self.argument is not None and self.tool is None:
            raise ValueError("has an argument without a tool")
        return self

    def read(self, answer: Answer) -> tuple[Any, ...]:
        """Return one value, or one for each call of the tool. Raises NothingThereError."""
        if self.tool is not None:
            return tuple(self._argument(call) for call in calls_of(answer, self.tool))
        if self.part == "text":
            return (answer.text,)
        if answer.structured is None:
            raise NothingThereError(f"no structured answer: {quote(answer.text)}")
        return (answer.structured,)

    def _argument(self, call: ToolCall) -> Any:
        if self.argument is None:
            return call.arguments
        if not is_object(call.arguments):
            raise NothingThereError(
                f"arguments of {call.name!r} are not a JSON object: {quote(call.arguments)}"
            )
        if self.argument not in call.arguments:
            raise NothingThereError(
                f"{call.name!r} has no argument {self.argument!r}: {quote(call.arguments)}"
            )
        return call.arguments[self.argument]

    def hint(self, answer: Answer) -> str:
        """Suggest another part if a scorer looks at the text of an answer that has none."""
        if self.part != "text" or answer.text.strip() or answer.structured is None:
            return ""
        return "; the answer has no text but a structured form: say `from: structured`"

    @property
    def label(self) -> str:
        """The prefix of a reason that names the part it is about."""
        if self.tool is None:
            return ""
        return f"{self.tool}.{self.argument}: " if self.argument else f"{self.tool}: "


AnySource = Annotated[Source, WrapValidator(Source.as_written)]
"""A parameter that says where to look."""


def calls_of(answer: Answer, tool: str) -> tuple[ToolCall, ...]:
    """Return the answer's calls of ``tool``, at least one. Raises NothingThereError."""
    calls = tuple(call for call in answer.tool_calls if call.name == tool)
    if not calls:
        raise NothingThereError(f"no call of {tool!r}; {called(answer)}")
    return calls


def called(answer: Answer) -> str:
    """List the tools that an answer called, for a reason."""
    names = list(dict.fromkeys(call.name for call in answer.tool_calls))
    return (
        f"called {', '.join(map(quote, names))}"
        if names
        else f"no tool was called, it said {quote(answer.text)}"
    )


class BuiltIn(Params, ABC):
    """A scorer whose parameters are its fields. ``kind`` is its name in a file."""

    kind: ClassVar[str]
    tail_only: ClassVar[bool] = False
    """True if the scorer looks at what came after the fork point."""

    @classmethod
    def __pydantic_init_subclass__(cls, **given: Any) -> None:
        super().__pydantic_init_subclass__(**given)
        if "kind" in vars(cls):
            BUILT_IN[cls.kind] = cls

    @property
    def name(self) -> str:
        return self.kind

    @abstractmethod
    def score(self, sample: Sample) -> Score | Awaitable[Score]: ...

    def _score(self, finding: Finding) -> Score:
        return Score(scorer=self.name, passed=finding.passed, reason=finding.reason, value=finding.value)


class ValueScorer(BuiltIn):
    """A scorer of one value in the answer. Of several calls of a tool, each must pass."""

    slow: ClassVar[bool] = False
    """True if text of a model can make the check slow, so that its time is limited."""

    source: AnySource = Field(default=Source(part="text"), alias="from")

    @abstractmethod
    def check(self, value: Any) -> Finding: ...

    def score(self, sample: Sample) -> Score:
        try:
            values = self.source.read(sample.answer)
        except NothingThereError as absence:
            return self._score(Finding(passed=False, reason=str(absence)))
        findings = [self._checked(value) for value in values]
        worst = next((finding for finding in findings if not finding.passed), findings[0])
        hint = "" if worst.passed else self.source.hint(sample.answer)
        return self._score(
            Finding(passed=worst.passed, reason=self.source.label + worst.reason + hint, value=worst.value)
        )

    def _checked(self, value: Any) -> Finding:
        """Run the check. Raises TooLongError if it takes longer than a scorer may."""
        return (
            in_time(lambda: self.check(value), what=f"{self.kind} {self._said}")
            if self.slow
            else self.check(value)
        )

    @property
    def _said(self) -> str:
        """The parameter that says what is searched for."""
        given = getattr(self, self.short_form or "", None)
        return one_line(repr(given), 80) if given is not None else "here"

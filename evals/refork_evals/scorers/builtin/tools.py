"""Scorers of tool calls: tool_called, tool_not_called."""

from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator
from refork.records import Answer, ToolCall

from refork_evals.results import Score
from refork_evals.scorers.builtin.base import BuiltIn, Finding, NothingThereError, calls_of
from refork_evals.scorers.builtin.matching import Arguments, ByField
from refork_evals.scorers.evidence import quote
from refork_evals.scorers.protocol import Sample

_ANY = ByField(fields={})


def _sort_calls(answer: Answer, tool: str, wanted: ByField) -> tuple[list[ToolCall], list[str]]:
    """Return the tool's calls with the wanted arguments, and the reasons against the others. Raises
    NothingThereError.
    """
    fitting: list[ToolCall] = []
    reasons: list[str] = []
    for call in calls_of(answer, tool):
        why = wanted.mismatch(call.arguments) if wanted.fields else None
        if why is None:
            fitting.append(call)
        else:
            reasons.append(why)
    return fitting, reasons


def _show(call: ToolCall) -> str:
    return f"{call.name}({quote(call.arguments)})"


class ToolCalled(BuiltIn):
    """The answer calls a tool, with arguments as expected. Arguments that are not named do not matter."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "tool_called"
    short_form: ClassVar[str | None] = "name"

    tool: str = Field(alias="name", min_length=1, description="The tool's name.")
    arguments: Arguments | None = Field(
        default=None,
        description="By name: a value, a scorer such as {contains: x}, or an object or list of them.",
    )
    times: int | None = Field(default=None, ge=1, description="Exactly this many such calls.")
    at_least: int | None = Field(default=None, ge=1, description="At least this many such calls. Default: 1.")

    @model_validator(mode="after")
    def _one_count(self) -> "ToolCalled":
        if self.times is not None and self.at_least is not None:
            raise ValueError("has both times and at_least; keep one")
        return self

    def score(self, sample: Sample) -> Score:
        return self._score(self._finding(sample.answer))

    def _finding(self, answer: Answer) -> Finding:
        try:
            fitting, reasons = _sort_calls(answer, self.tool, self.arguments or _ANY)
        except NothingThereError as absence:
            return Finding(passed=False, reason=str(absence))
        count = len(fitting)
        passed = count == self.times if self.times is not None else count >= (self.at_least or 1)
        evidence = [f"with other arguments: {why}" for why in reasons] + [_show(call) for call in fitting]
        said = f"{self.tool!r} was called{self._counted(count)}"
        shown = evidence[-1] if passed else evidence[0]
        return Finding(passed=passed, reason=f"{said} {shown}", value=float(count))

    def _counted(self, count: int) -> str:
        if self.times is not None:
            return f" {count} of exactly {self.times} times"
        return "" if self.at_least is None else f" {count} of at least {self.at_least} times"


class ToolNotCalled(BuiltIn):
    """The answer does not call a tool, or not with such arguments."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "tool_not_called"
    short_form: ClassVar[str | None] = "name"

    tool: str = Field(alias="name", min_length=1, description="The tool's name.")
    arguments: Arguments | None = Field(
        default=None, description="Only calls with such arguments are refused; written as for tool_called."
    )

    def score(self, sample: Sample) -> Score:
        try:
            fitting, reasons = _sort_calls(sample.answer, self.tool, self.arguments or _ANY)
        except NothingThereError as absence:
            return self._score(Finding(passed=True, reason=str(absence)))
        if fitting:
            return self._score(Finding(passed=False, reason=f"was called: {_show(fitting[0])}"))
        return self._score(Finding(passed=True, reason=f"{self.tool!r} has other arguments: {reasons[0]}"))

"""The scorer eventually_calls: a call that must come sooner or later, and before certain others."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema
from refork.records import ToolCall

from refork_evals.results import Score
from refork_evals.scorers.builtin.base import BuiltIn, Finding
from refork_evals.scorers.builtin.trajectory import OneCall, WantedCall, called_names
from refork_evals.scorers.evidence import is_list, one_line, quote
from refork_evals.scorers.protocol import Sample


def _calls(value: Any) -> tuple[WantedCall, ...]:
    return tuple(map(WantedCall.parse, value)) if is_list(value) else (WantedCall.parse(value),)


_SomeCalls = Annotated[
    tuple[WantedCall, ...],
    PlainValidator(_calls),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array"}]}),
]


class EventuallyCalls(BuiltIn):
    """From the fork point on a tool is called sooner or later, before any of certain other calls."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "eventually_calls"
    short_form: ClassVar[str | None] = "call"
    tail_only: ClassVar[bool] = True

    call: OneCall = Field(
        description="The call that must come: a tool's name, or {name, arguments} as for tool_called."
    )
    before: _SomeCalls = Field(
        default=(), description="The calls that it must come before: one such call, or a list of them."
    )

    def score(self, sample: Sample) -> Score:
        calls = sample.answer.tool_calls
        early = self.broken_at(calls)
        if early is not None:
            said = f": {_shown(calls[early])} came before {self.call.name!r}"
        elif any(self.call.mismatch(call) is None for call in calls):
            said = ""
        else:
            said = f": {self.call.name!r} is missing"
        return self._score(Finding(passed=not said, reason=one_line(f"called {called_names(calls)}{said}")))

    def broken_at(self, calls: Sequence[ToolCall]) -> int | None:
        """The place of the call that came too early; None where none did."""
        for place, call in enumerate(calls):
            if self.call.mismatch(call) is None:
                return None
            if any(late.mismatch(call) is None for late in self.before):
                return place
        return None


def _shown(call: ToolCall) -> str:
    return f"{call.name}({quote(call.arguments)})"

"""Scorers of a tail: trajectory, steps, final. They look at what came after the fork point."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema
from refork.records import Answer, StepKind, ToolCall

from refork_evals.results import Score
from refork_evals.scorers.builtin.base import NESTED_SCHEMA, BuiltIn, Finding, Source
from refork_evals.scorers.builtin.matching import Arguments
from refork_evals.scorers.builtin.tools import ToolCalled, ToolNotCalled
from refork_evals.scorers.evidence import one_line, quote
from refork_evals.scorers.parameters import Params, invalid
from refork_evals.scorers.protocol import Sample, Scorer, run_scorer
from refork_evals.scorers.registry import parse_scorer


class WantedCall(Params):
    """A tool call that is expected: by name, and by those arguments that are named."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    short_form: ClassVar[str | None] = "name"

    name: str = Field(min_length=1, description="The tool's name.")
    arguments: Arguments | None = Field(default=None, description="Written as for tool_called.")

    def mismatch(self, call: ToolCall) -> str | None:
        """Explain why a call is another one; None if it is this one."""
        if call.name != self.name:
            return f"is {call.name!r}, not {self.name!r}"
        return None if self.arguments is None else self.arguments.mismatch(call.arguments)


OneCall = Annotated[
    WantedCall,
    PlainValidator(WantedCall.parse),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
]
"""A parameter that is a call, or only the name of its tool."""
_NAMES = 300
"""Characters of the called names in a reason, so that the mismatch stays on the line."""
Mode = Literal["exact", "unordered", "superset", "subset"]


class Trajectory(BuiltIn):
    """The tool calls from the fork point on are those that are listed, in this order."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "trajectory"
    short_form: ClassVar[str | None] = "tools"
    tail_only: ClassVar[bool] = True

    tools: list[OneCall] = Field(
        description="Names of tools, or {name, arguments} with arguments as for tool_called."
    )
    mode: Mode = Field(
        default="exact",
        description="exact: these calls in this order and no others; unordered: these in any order and no "
        "others; superset: at least these, in any order; subset: no others than these.",
    )

    def score(self, sample: Sample) -> Score:
        calls = sample.answer.tool_calls
        why = self._in_order(calls) if self.mode == "exact" else self._in_any_order(calls)
        return self._score(
            Finding(passed=why is None, reason=one_line(f"called {called_names(calls)}{why or ''}"))
        )

    def broken_at(self, calls: Sequence[ToolCall]) -> int | None:
        """With `exact`, the place of the first call that is another one than listed; None where all fit."""
        if self.mode != "exact":
            return None
        pairs = enumerate(zip(self.tools, calls, strict=False))
        other = next((place for place, (wanted, call) in pairs if wanted.mismatch(call) is not None), None)
        return len(self.tools) if other is None and len(calls) > len(self.tools) else other

    def _in_order(self, calls: Sequence[ToolCall]) -> str | None:
        for place, (wanted, call) in enumerate(zip(self.tools, calls, strict=False), 1):
            why = wanted.mismatch(call)
            if why is not None:
                return f": call {place} {why}"
        return _too_few_or_many(self.tools[len(calls) :], calls[len(self.tools) :])

    def _in_any_order(self, calls: Sequence[ToolCall]) -> str | None:
        fitting = _pairs(self.tools, calls)
        missing = [wanted for place, wanted in enumerate(self.tools) if place not in fitting]
        others = [call for place, call in enumerate(calls) if place not in fitting.values()]
        return _too_few_or_many(
            () if self.mode == "subset" else missing, () if self.mode == "superset" else others
        )


class Steps(BuiltIn):
    """The tail took at most so many steps."""

    kind: ClassVar[str] = "steps"
    short_form: ClassVar[str | None] = "limit"
    tail_only: ClassVar[bool] = True

    limit: int = Field(
        alias="max", ge=0, description="The maximum number of steps, including the fork point."
    )
    count: Literal["all", "model", "tool"] = Field(
        default="all", alias="kind", description="Which steps are counted."
    )

    def score(self, sample: Sample) -> Score:
        counted = [
            step for step in sample.trajectory if self.count == "all" or step.kind is StepKind(self.count)
        ]
        which = "" if self.count == "all" else f"{self.count} "
        reason = f"{len(counted)} {which}steps, allowed {self.limit}"
        return self._score(
            Finding(passed=len(counted) <= self.limit, reason=reason, value=float(len(counted)))
        )


def _of_the_result(value: Any) -> Scorer:
    scorer = parse_scorer(value)
    why = _blind(scorer)
    if why is not None:
        raise invalid(why, str(next(iter(value))))
    return scorer


def _blind(scorer: object) -> str | None:
    """Explain why a scorer would find nothing in a result; None if it looks at one."""
    name, source = getattr(scorer, "name", scorer), getattr(scorer, "source", None)
    by_steps = isinstance(scorer, BuiltIn) and scorer.tail_only
    by_calls = isinstance(scorer, ToolCalled | ToolNotCalled)
    if by_steps or by_calls or (isinstance(source, Source) and source.tool is not None):
        return f"holds {name!r}, which looks at steps or tool calls, and a result has none; write it beside final"
    parts = cast("tuple[object, ...]", getattr(scorer, "parts", ()))
    return next((why for why in map(_blind, parts) if why is not None), None)


_OfTheResult = Annotated[Scorer, PlainValidator(_of_the_result), WithJsonSchema({NESTED_SCHEMA: True})]


class Final(BuiltIn):
    """A scorer of the workflow's result, whatever was called on the way to it. It is shown no tool calls."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "final"
    short_form: ClassVar[str | None] = "scorer"
    always_short: ClassVar[bool] = True
    tail_only: ClassVar[bool] = True

    scorer: _OfTheResult = Field(description="One expectation, written as in expect.")

    @property
    def parts(self) -> tuple[Scorer, ...]:
        return (self.scorer,)

    async def score(self, sample: Sample) -> Score:
        result = Answer(text=sample.answer.text, structured=sample.answer.structured)
        score = await run_scorer(self.scorer, replace(sample, answer=result))
        if score.passed is None:
            return replace(score, scorer=self.name, error=f"{score.scorer}: {score.error}")
        return replace(score, scorer=self.name, reason=one_line(f"{score.scorer}: {score.reason}"))


def _pairs(wanted: Sequence[WantedCall], calls: Sequence[ToolCall]) -> dict[int, int]:
    """Pair as many expected calls as possible with matching actual calls, each used once. Returns pairs of indices."""
    if not wanted or not calls:
        return {}
    import numpy as np  # noqa: PLC0415 - collection loads no heavy library
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import maximum_bipartite_matching  # noqa: PLC0415

    fits = np.array([[each.mismatch(call) is None for call in calls] for each in wanted], dtype=int)
    matched: Any = maximum_bipartite_matching(csr_matrix(fits), perm_type="column")
    return {place: int(call) for place, call in enumerate(matched) if call >= 0}


def called_names(calls: Sequence[ToolCall]) -> str:
    """The names of the tools that were called, for a reason."""
    said = ", ".join(call.name for call in calls) or "no tool"
    return one_line(said, _NAMES) + (f" ({len(calls)} calls)" if len(said) > _NAMES else "")


def _too_few_or_many(missing: Sequence[WantedCall], others: Sequence[ToolCall]) -> str | None:
    if missing:
        return f": {missing[0].name!r} is missing"
    if others:
        return f": {others[0].name}({quote(others[0].arguments)}) was not expected"
    return None

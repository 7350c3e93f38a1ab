"""Finds the arguments of a recorded run's steps, as far as the run contains them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from refork.records import Run, Step, StepKind, ToolCall
from refork.tool_policy import last_part
from refork.tool_policy.canonical_arguments import canonical


class _Unknown:
    def __repr__(self) -> str:
        return "arguments that are not JSON"


UNKNOWN: Final = _Unknown()
"""The value for arguments that are unknown or that cannot become JSON. None would mean a call without arguments."""


@dataclass
class _Turn:
    """An answer of a model, with the tool steps that followed from it, by the tool's name."""

    calls: dict[str, list[ToolCall]]
    steps: dict[str, list[Step]] = field(default_factory=lambda: defaultdict[str, list[Step]](list))
    unclear: set[str] = field(default_factory=set[str])

    def wants(self, tool: str) -> bool:
        return len(self.steps.get(tool, ())) < len(self.calls.get(tool, ()))


def arguments_of(run: Run) -> dict[int, tuple[Any, ...]]:
    """Return the arguments of steps by number: ``Step.arguments``, and those in the answer that requested the
    tool.

    The two may differ by defaults that a model left out, so a call matches either. The calls of one answer are
    assigned to the steps of that tool in order. If an answer and the steps after it differ in number, or two
    answers may have requested a step, its arguments stay unknown and it has no entry: a wrong guess would return
    the output of another call.
    """
    found = {step.number: (step.arguments,) for step in run.steps if step.arguments is not None}
    for turn in _turns(run):
        for tool, steps in turn.steps.items():
            for step, call in _pairs(turn, tool, steps):
                found[step.number] = (*found.get(step.number, ()), call.arguments)
    return found


def _pairs(turn: _Turn, tool: str, steps: list[Step]) -> list[tuple[Step, ToolCall]]:
    calls = turn.calls.get(tool, [])
    if tool in turn.unclear:
        return []
    if len(calls) != len(steps) and len({canonical(call.arguments) for call in calls}) > 1:
        return []
    return list(zip(steps, calls, strict=False))


def _turns(run: Run) -> list[_Turn]:
    turns: list[_Turn] = []
    latest: dict[str | None, _Turn] = {}
    for step in sorted(run.steps, key=lambda step: step.number):
        if step.kind is StepKind.MODEL:
            turn = latest[step.agent] = _Turn(calls=_by_tool(step))
            turns.append(turn)
        elif step.kind is StepKind.TOOL:
            _assign(step, list(latest.values()))
    return turns


def _by_tool(step: Step) -> dict[str, list[ToolCall]]:
    calls: dict[str, list[ToolCall]] = defaultdict(list)
    for call in step.answer.tool_calls if step.answer is not None else ():
        calls[call.name].append(call)
    return dict(calls)


def _assign(step: Step, latest: list[_Turn]) -> None:
    """Give ``step`` to the only turn that waits for its tool. If none or several do, its arguments count as
    unknown.
    """
    tool = step.tool or last_part(step.name)
    waiting = [turn for turn in latest if turn.wants(tool)]
    if len(waiting) == 1:
        waiting[0].steps[tool].append(step)
        return
    for turn in waiting or latest:
        turn.unclear.add(tool)

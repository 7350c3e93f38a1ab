"""The way of a tail, for the page and the terminal: its steps, and how it compares with production's."""

from collections.abc import Sequence
from typing import Final

from refork.case import Case, Step, ToolCall
from refork.outcome import Trial
from refork.result import calls_of
from refork_evals.text import json_equal

from refork_reports.timeline import compact, output_line
from refork_reports.visible import first_line

_SHOWN: Final = 40
_NAMES: Final = 300
_ARGUMENTS: Final = 300


def shown_steps(steps: Sequence[Step]) -> tuple[Sequence[Step], int, Sequence[Step]]:
    """The steps to show at the start, how many are left out, and those to show at the end."""
    if len(steps) <= _SHOWN:
        return steps, 0, ()
    end = _SHOWN // 4
    return steps[: _SHOWN - end], len(steps) - _SHOWN, steps[-end:]


def step_line(step: Step) -> str:
    """tool refund {"amount": 5}: refunded 5"""
    name = " ".join(filter(None, [step.kind.value, step.label or step.name, arguments_line(step)]))
    said = output_line(step)
    return f"{name}: {said}" if said else name


def arguments_line(step: Step) -> str:
    """What the step was called with, as JSON in a line; empty where that is not known."""
    return "" if step.arguments is None else first_line(compact(step.arguments), _ARGUMENTS)


def beside_production(case: Case, trial: Trial) -> str:
    """How the tool calls of a tail compare with those of the recorded run, in a sentence."""
    here = calls_of(trial.trajectory)
    there = calls_of([step for step in case.run.steps if step.number >= case.step])
    if [call.name for call in here] != [call.name for call in there]:
        return f"Production called {_names(there)}."
    if not there:
        return "Production called no tool either."
    same = all(json_equal(a.arguments, b.arguments) for a, b in zip(here, there, strict=True))
    return f"The same tool calls as in production{'' if same else ', with other arguments'}."


def _names(calls: Sequence[ToolCall]) -> str:
    return first_line(", ".join(call.name for call in calls), _NAMES) or "no tool"

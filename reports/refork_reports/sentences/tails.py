"""Describes the trajectory of a tail, for the page and the terminal: its steps, and how it compares with
production's.
"""

from collections.abc import Collection, Sequence
from typing import Final

from refork.records import Case, Step, ToolCall
from refork.records.outcome import Trial
from refork.records.workflow_result import calls_of
from refork.text.escape import first_line
from refork.tool_policy import RECEIVE
from refork.tool_policy.conversation import USER, answering_other_words, asks_user, is_users
from refork_evals.scorers.evidence import json_equal

from refork_reports.sentences.steps import compact, output_line

OTHER_WORDS: Final = "recorded as the answer to other words"
SILENCE: Final = "said nothing more"
_SHOWN: Final = 40
_NAMES: Final = 300
_ARGUMENTS: Final = 300


def shown_steps(steps: Sequence[Step]) -> tuple[Sequence[Step], int, Sequence[Step]]:
    """Return the steps to show at the start, the number of steps left out, and the steps to show at the end."""
    if len(steps) <= _SHOWN:
        return steps, 0, ()
    end = _SHOWN // 4
    return steps[: _SHOWN - end], len(steps) - _SHOWN, steps[-end:]


def step_line(step: Step, other_words: Collection[int] = ()) -> str:
    """Describe a step: tool refund {"amount": 5}: refunded 5. In the steps in ``other_words`` the user answers
    other words.
    """
    name = " ".join(filter(None, [kind_of(step), name_of(step), arguments_line(step)]))
    said = output_line(step)
    line = f"{name}: {said}" if said else name
    return f"{line} ({OTHER_WORDS})" if step.number in other_words else line


def kind_of(step: Step) -> str:
    """Return the kind of a step; ``user`` if it waited for the user."""
    return USER if asks_user(step) else step.kind.value


def name_of(step: Step) -> str:
    """Return the agent, tool or operation of a step."""
    if asks_user(step) and not is_users(step) and step.error is None:
        return SILENCE
    if step.name == RECEIVE:
        return ""
    return step.label or step.name


def other_words(case: Case, trial: Trial) -> frozenset[int]:
    """Return the steps of a trial at which a recorded turn of the user answers something that the assistant did not
    say there.
    """
    recorded = (step for step in case.run.steps if step.number >= case.step)
    return answering_other_words(trial.trajectory, recorded)


def arguments_line(step: Step) -> str:
    """Return the step's arguments as one line of JSON; empty if they are unknown."""
    return "" if step.arguments is None else first_line(compact(step.arguments), _ARGUMENTS)


def beside_production(case: Case, trial: Trial) -> str:
    """Compare the tool calls of a tail with those of the recorded run, in one sentence."""
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

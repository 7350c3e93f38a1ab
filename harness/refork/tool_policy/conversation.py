"""The turns of a conversation: the user's, from ``DBOS.recv`` or from a step, and the model's answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from refork.records import Json, Request, Run, Step, StepKind
from refork.tool_policy import RECEIVE, ToolPolicy
from refork.values.shown import untagged

USER: Final = "user"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A message of one side. ``step`` is the number of the step that it came from."""

    role: Literal["user", "assistant"]
    text: str
    step: int = 0


def is_users(step: Step) -> bool:
    """Return whether a step returned a turn of the user. A wait that timed out did not."""
    return asks_user(step) and step.output is not None


def asks_user(step: Step) -> bool:
    """Return whether a step waited for the user."""
    return step.user or step.name == RECEIVE


def with_users(run: Run, policy: ToolPolicy) -> Run:
    """Return the run with the steps marked that delivered the user's turns."""
    if not any(rule.user for rule in policy.rules):
        return run
    return replace(
        run, steps=tuple(replace(step, user=True) if _is_users(step, policy) else step for step in run.steps)
    )


def _is_users(step: Step, policy: ToolPolicy) -> bool:
    is_own = step.child_run is None and step.kind is not StepKind.MODEL
    return is_own and policy.is_user(step.tool or step.name)


def turns_of(steps: Iterable[Step]) -> tuple[Turn, ...]:
    """Return the turns of a run, or of a tail, in their order."""
    return tuple(turn for step in steps for turn in _turns(step))


def turns_sent(request: Request | None) -> tuple[Turn, ...]:
    """Return the turns of a conversation that a request to a model repeats, the newest one last."""
    messages = request.input if request is not None and isinstance(request.input, list) else []
    return tuple(
        turn for message in messages if isinstance(message, dict) for turn in _turns_of_message(message)
    )


def _turns_of_message(message: Mapping[str, Any]) -> Iterator[Turn]:
    role, text = message.get("role"), _words(message.get("content"))
    if role in ("user", "assistant") and text:
        yield Turn(role=USER if role == "user" else "assistant", text=text)


def _words(content: Any) -> str:
    """Return the text of a message, which is a text, or parts of which some have one."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def transcript(turns: Sequence[Turn]) -> str:
    """Format a conversation as ``user: ...`` and ``assistant: ...``."""
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def answering_other_words(trajectory: Iterable[Step], recorded: Iterable[Step]) -> frozenset[int]:
    """Return the steps of a tail at which the user answers something that the assistant did not say there.

    These are turns that were recorded, and came then after other words. ``recorded`` are the steps of the run from
    the fork point on.
    """
    there = {(place, turn.text): before for place, turn, before in _heard(turns_of(recorded))}
    return frozenset(
        turn.step
        for place, turn, before in _heard(turns_of(trajectory))
        if there.get((place, turn.text), before) != before
    )


def _heard(turns: Sequence[Turn]) -> Iterable[tuple[int, Turn, str]]:
    """Yield each turn of the user with its index, and what the assistant had said before it."""
    place, said = 0, ""
    for turn in turns:
        if turn.role == "assistant":
            said = turn.text
            continue
        yield place, turn, said
        place += 1


def _turns(step: Step) -> Iterator[Turn]:
    if is_users(step):
        if step.tool is not None and step.arguments:  # the model asks by what it calls the tool with
            yield Turn(role="assistant", text=text_of(step.arguments), step=step.number)
        yield Turn(role="user", text=text_of(step.output), step=step.number)
    elif step.kind is StepKind.MODEL and step.answer is not None and step.answer.text:
        yield Turn(role="assistant", text=step.answer.text, step=step.number)


def text_of(output: Json) -> str:
    """Return the text of a message: the message itself, its only text field, or otherwise its Python form."""
    shown: Any = untagged(output)
    if isinstance(shown, dict):
        texts = [value for value in shown.values() if isinstance(value, str)]
        shown = texts[0] if len(texts) == 1 else shown
    return shown if isinstance(shown, str) else str(shown)

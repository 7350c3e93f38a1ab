"""The turns of a conversation: what the user said by ``DBOS.recv``, and what the model answered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from refork.records import Json, Step, StepKind
from refork.tool_policy import RECEIVE
from refork.values.shown import untagged

USER: Final = "user"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one side said. ``step`` is the number of the step by which it came."""

    role: Literal["user", "assistant"]
    text: str
    step: int = 0


def is_users(step: Step) -> bool:
    """Whether a step brought a turn of the user's. A wait that ran out brought none."""
    return step.name == RECEIVE and step.output is not None


def turns_of(steps: Iterable[Step]) -> tuple[Turn, ...]:
    """The turns of a run, or of a tail, in their order."""
    found = (_turn(step) for step in steps)
    return tuple(turn for turn in found if turn is not None)


def transcript(turns: Sequence[Turn]) -> str:
    """A conversation as ``user: ...`` and ``assistant: ...``."""
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def answering_other_words(trajectory: Iterable[Step], recorded: Iterable[Step]) -> frozenset[int]:
    """The steps of a tail at which the user answers what the assistant did not say there.

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
    """Each of the user's turns with its place among them, and what the assistant had said before it."""
    place, said = 0, ""
    for turn in turns:
        if turn.role == "assistant":
            said = turn.text
            continue
        yield place, turn, said
        place += 1


def _turn(step: Step) -> Turn | None:
    if is_users(step):
        return Turn(role="user", text=text_of(step.output), step=step.number)
    if step.kind is StepKind.MODEL and step.answer is not None and step.answer.text:
        return Turn(role="assistant", text=step.answer.text, step=step.number)
    return None


def text_of(output: Json) -> str:
    """What a message says: its text, or that of its only text field, else as Python writes it."""
    shown: Any = untagged(output)
    if isinstance(shown, dict):
        texts = [value for value in shown.values() if isinstance(value, str)]
        shown = texts[0] if len(texts) == 1 else shown
    return shown if isinstance(shown, str) else str(shown)

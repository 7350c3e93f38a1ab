"""The turns of a conversation, and where a recorded user answers what was not said."""

from typing import Any

import pytest
from refork.records import Answer, Step, StepKind
from refork.tool_policy.conversation import answering_other_words, transcript, turns_of


def steps(*said: Any) -> list[Step]:
    """Texts in turn: ``>`` begins what the user says, None is a wait that ran out."""
    return [_step(number, text) for number, text in enumerate(said, 1)]


def _step(number: int, text: Any) -> Step:
    if text is None or not isinstance(text, str) or text.startswith(">"):
        output = text.removeprefix(">") if isinstance(text, str) else text
        return Step(number=number, name="DBOS.recv", output=output)
    return Step(number=number, name="ask", kind=StepKind.MODEL, answer=Answer(text=text))


def test_a_conversation_is_what_both_sides_said() -> None:
    found = turns_of(
        [*steps("Hello.", ">Hi.", None, {"text": "Bye.", "n": 1}), Step(number=5, name="note", output="x")]
    )
    assert transcript(found) == "assistant: Hello.\nuser: Hi.\nuser: Bye."


@pytest.mark.parametrize(
    ("trial", "odd"),
    [
        (("Hello.", ">Hi.", "Yes.", ">Bye."), ()),
        (("Good day.", ">Hi.", "Yes.", ">Bye."), (2,)),
        (("Good day.", ">Hi.", "No.", ">Bye."), (2, 4)),
        (("Good day.", ">Who are you?", "No.", ">Bye."), (4,)),
        (("Hello.", ">Hi.", "Yes.", ">Bye.", "Again?", ">Bye."), ()),
        (("Hello.", None), ()),
    ],
)
def test_a_recorded_turn_is_marked_where_the_assistant_said_something_else_before_it(
    trial: tuple[str | None, ...], odd: tuple[int, ...]
) -> None:
    recorded = steps("Hello.", ">Hi.", "Yes.", ">Bye.")
    assert answering_other_words(steps(*trial), recorded) == frozenset(odd)

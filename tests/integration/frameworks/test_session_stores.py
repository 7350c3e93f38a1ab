"""What a session of the OpenAI Agents SDK held before a run, by what it holds today."""

import asyncio
from typing import Any

import pytest
from agents import SessionSettings, SQLiteSession
from refork.errors import ApplicationError
from refork.frameworks.openai_agents.calls import MODEL_STEP
from refork.frameworks.openai_agents.sessions import _before
from refork.frameworks.protocol import Replaying
from refork.records import Answer, Step, StepKind

STEP = Step(number=1, name=MODEL_STEP, kind=StepKind.MODEL, answer=Answer(text="2 heard."))
RUN = Replaying(run_id="r", here=1, steps=(STEP,), last={MODEL_STEP: 1})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "output_text", "text": text}]}


def before(items: list[Any], given: Any, fork: Replaying = RUN, limit: int | None = None) -> list[Any]:
    async def read() -> list[Any]:
        session = SQLiteSession("ann", session_settings=SessionSettings(limit=limit))
        try:
            await session.add_items(items)
            return list(await _before(session, fork, given, None))
        finally:
            session.close()

    return asyncio.run(read())


FIRST = [user("I am Ann."), said("1 heard.")]
SECOND = [user("Yes."), said("2 heard.")]
THIRD = [user("Yes."), said("3 heard.")]


@pytest.mark.parametrize("limit", [None, 1, 2])
@pytest.mark.parametrize("after", [[], THIRD, [*THIRD, user("Bye.")]])
def test_a_run_is_found_among_those_before_and_after_it(after: list[Any], limit: int | None) -> None:
    assert before([*FIRST, *SECOND, *after], "Yes.", limit=limit) == FIRST


@pytest.mark.parametrize("items", [[], FIRST], ids=["an empty store", "a store of others"])
def test_a_store_that_holds_nothing_of_the_run_is_an_error_that_says_what_to_do(items: list[Any]) -> None:
    with pytest.raises(ApplicationError) as caught:
        before(items, "Yes.")
    assert str(caught.value).startswith(
        "session 'ann' holds nothing of this run, so that nobody knows what was said"
    )
    assert "let the application find the store that production wrote" in str(caught.value)


def test_a_run_that_came_to_no_model_need_not_stand_in_the_store() -> None:
    assert before(FIRST, "Yes.", Replaying(run_id="r", here=1, steps=(), last={})) == FIRST

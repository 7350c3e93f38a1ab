"""Whose fault an exception is."""

import httpx2
import openai
import pytest
from agents import ModelBehaviorError
from pydantic_ai import UnexpectedModelBehavior
from refork.fork.http_steps.sending import is_own


@pytest.mark.parametrize(
    "error",
    [
        ModelBehaviorError("Invalid JSON when parsing {} for Output"),
        ModelBehaviorError("Tool lookup not found in agent helper"),
        UnexpectedModelBehavior("Exceeded maximum retries (1) for output validation"),
    ],
    ids=str,
)
def test_an_answer_that_its_framework_cannot_use_is_a_failure(error: Exception) -> None:
    assert is_own(error, None)


@pytest.mark.parametrize(
    "error",
    [
        UnexpectedModelBehavior("Invalid response from OpenAI chat completions endpoint"),
        openai.APIConnectionError(request=httpx2.Request("POST", "http://localhost")),
        TimeoutError(),
        ValueError("of the client"),
    ],
    ids=str,
)
def test_a_call_without_an_answer_is_an_error(error: Exception) -> None:
    assert not is_own(error, None)

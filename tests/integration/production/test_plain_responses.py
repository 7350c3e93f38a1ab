"""What the clients of openai and anthropic give back, read without their packages."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from refork.http_calls.client_responses import answer_of, is_response, model_of, register, usage_of
from refork.records import Answer, Ending, ToolCall
from refork.records.usage import Usage
from refork.values import Registry
from support.model_wire import CHAT, RESPONSES, Call, Received, Reply, encode_reply

REPLY = Reply(
    text="It fell.",
    calls=(Call("look", {"at": 1}), Call("odd", "{not json")),
    input_tokens=100,
    cached_tokens=40,
    output_tokens=30,
    reasoning_tokens=12,
)
ANTHROPIC: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "large-model",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "text", "text": "It "},
        {"type": "text", "text": "fell."},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
        {"type": "tool_use", "id": "t2", "name": "odd", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 50,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 10,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 12},
    },
}
USED = Usage(calls=1, input_tokens=100, cached_tokens=40, output_tokens=30, reasoning_tokens=12)


def told(path: str) -> dict[str, Any]:
    request = Received(path=path, headers={}, body={"model": "large-model"}, number=0)
    return encode_reply(request, REPLY)


RESPONSES_OF = {
    "chat": ChatCompletion.model_validate(told(CHAT)),
    "response": Response.model_validate(told(RESPONSES)),
    "anthropic": Message.model_validate(ANTHROPIC),
}


@dataclass
class Holding:
    question: str
    answer: object


@pytest.fixture(params=list(RESPONSES_OF))
def response(request: pytest.FixtureRequest) -> Any:
    return RESPONSES_OF[request.param]


def test_answer_usage_and_model_are_read(response: Any) -> None:
    odd: Any = {} if isinstance(response, Message) else "{not json"
    calls = (ToolCall(name="look", arguments={"at": 1}), ToolCall(name="odd", arguments=odd))
    assert answer_of(response) == Answer(text="It fell.", tool_calls=calls)
    assert usage_of(response) == USED
    assert model_of(response) == "large-model"


def test_dumps_and_what_holds_a_response_are_read_alike(response: Any) -> None:
    dumped = response.model_dump()
    for value in (
        dumped,
        response.model_dump(mode="json", exclude_unset=True),
        (1, response),
        [dumped],
        {"answer": response},
        Holding("How?", response),
    ):
        assert answer_of(value) == answer_of(response)
        assert usage_of(value) == USED


@pytest.mark.parametrize(
    "value",
    [None, "text", 3, {}, {"object": "chat.completion"}, {"type": "message", "role": "assistant"}, Holding],
)
def test_other_values_are_no_responses(value: object) -> None:
    assert not is_response(value)
    assert usage_of(value) is None
    assert model_of(value) is None


def test_the_answer_of_another_value_is_its_text_or_its_json() -> None:
    assert answer_of("It fell.") == Answer(text="It fell.")
    assert answer_of({"b": 1, "a": [2]}) == Answer(text='{"a": [2], "b": 1}', structured={"b": 1, "a": [2]})


def test_a_response_without_usage_or_choices_is_read_as_far_as_it_goes() -> None:
    bare = ChatCompletion.model_validate({**told(CHAT), "usage": None, "choices": []})
    assert answer_of(bare) == Answer(ending=Ending.EMPTY)
    assert usage_of(bare) is None


def test_checkpoints_that_hold_a_response_come_back_as_they_were(response: Any) -> None:
    registry = Registry()
    register(registry)
    register(registry)
    again = registry.loads(registry.dumps({"answer": response}))["answer"]
    assert type(again) is type(response)
    assert again == response
    assert again.model_fields_set == response.model_fields_set


def test_reading_imports_no_client() -> None:
    script = (
        "import sys, refork.http_calls.client_responses as r; from refork.values import Registry\n"
        "r.register(Registry()); r.answer_of('x')\n"
        "print([name for name in ('openai', 'anthropic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr

"""The Agents SDK's model responses come back equal, and are sent on as the very same messages."""

from typing import Any

import pytest
from agents import ModelResponse, Usage
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
)
from openai.types.responses.response_output_text import AnnotationURLCitation
from openai.types.responses.response_reasoning_item import Content, Summary
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from refork.values import Registry

REGISTRY = Registry()
REGISTRY.register_pydantic(ModelResponse, name="openai-agents.ModelResponse")

COUNT = st.integers(0, 10**6)
STATUS = st.sampled_from(["in_progress", "completed", "incomplete"])
TEXT = st.builds(
    ResponseOutputText,
    text=st.text(),
    type=st.just("output_text"),
    annotations=st.lists(
        st.builds(
            AnnotationURLCitation,
            type=st.just("url_citation"),
            title=st.text(),
            url=st.text(),
            start_index=COUNT,
            end_index=COUNT,
        ),
        max_size=2,
    ),
)
REFUSAL = st.builds(ResponseOutputRefusal, refusal=st.text(), type=st.just("refusal"))
MESSAGE = st.builds(
    ResponseOutputMessage,
    id=st.text(),
    content=st.lists(TEXT | REFUSAL, max_size=3),
    role=st.just("assistant"),
    status=STATUS,
    type=st.just("message"),
)
BARE_CALL = st.builds(
    ResponseFunctionToolCall,
    arguments=st.text(),
    call_id=st.text(),
    name=st.text(),
    type=st.just("function_call"),
)
FULL_CALL = st.builds(
    ResponseFunctionToolCall,
    arguments=st.text(),
    call_id=st.text(),
    name=st.text(),
    type=st.just("function_call"),
    id=st.none() | st.text(),
    status=STATUS,
)
REASONING = st.builds(
    ResponseReasoningItem,
    id=st.text(),
    type=st.just("reasoning"),
    encrypted_content=st.none() | st.text(),
    summary=st.lists(st.builds(Summary, text=st.text(), type=st.just("summary_text")), max_size=2),
    content=st.lists(st.builds(Content, text=st.text(), type=st.just("reasoning_text")), max_size=2),
)
USAGE = st.builds(
    Usage,
    requests=COUNT,
    input_tokens=COUNT,
    output_tokens=COUNT,
    total_tokens=COUNT,
    input_tokens_details=COUNT.map(lambda n: InputTokensDetails(cached_tokens=n, cache_write_tokens=n)),
    output_tokens_details=st.builds(OutputTokensDetails, reasoning_tokens=COUNT),
)
RESPONSES = st.builds(
    ModelResponse,
    output=st.lists(MESSAGE | BARE_CALL | FULL_CALL | REASONING, max_size=4),
    usage=USAGE,
    response_id=st.none() | st.text(),
    request_id=st.none() | st.text(),
)


@given(response=RESPONSES)
def test_a_response_comes_back_equal_and_is_sent_on_as_the_same_messages(response: ModelResponse) -> None:
    back = REGISTRY.loads(REGISTRY.dumps(response))
    assert back == response
    assert [type(item) for item in back.output] == [type(item) for item in response.output]
    assert back.to_input_items() == response.to_input_items()


def a_response(**fields: Any) -> ModelResponse:
    usage = Usage(requests=1, input_tokens=210, output_tokens=14, total_tokens=224)
    return ModelResponse(output=[], usage=usage, response_id=None, **fields)


@pytest.mark.parametrize(
    "response",
    [
        a_response(),
        a_response(request_id="req_1", raw_usage={"prompt_tokens": 3, "details": {"a": [1, None]}}),
    ],
)
def test_what_is_beside_the_output_comes_back(response: ModelResponse) -> None:
    assert REGISTRY.loads(REGISTRY.dumps(response)) == response


def test_a_handoff_is_a_call_of_its_tool_and_comes_back() -> None:
    call = ResponseFunctionToolCall(
        arguments="{}", call_id="call_1", name="transfer_to_summarizer", type="function_call"
    )
    response = a_response()
    response.output.append(call)
    back = REGISTRY.loads(REGISTRY.dumps({"steps": [(response, 1)]}))
    assert back == {"steps": [(response, 1)]}
    assert back["steps"][0][0].output[0].model_fields_set == call.model_fields_set

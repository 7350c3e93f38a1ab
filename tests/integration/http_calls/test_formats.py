"""Wire formats: told by path and body, read whole and streamed, changed in their own places."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.errors import BadInputError
from refork.fork.http_steps.asking import Asking, asking_of
from refork.http_calls import OutgoingRequest, Received
from refork.http_calls.formats import format_of
from refork.http_calls.wire import as_json, from_json
from refork.records import ToolCall
from refork.records.variant import Variant

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": MESSAGES,
    "temperature": 1,
    "tools": [{"function": {"name": "look"}}],
}
RESPONSES: dict[str, Any] = {"model": "m", "instructions": "Be kind.", "input": "Hello"}
MESSAGES_API: dict[str, Any] = {"model": "m", "system": "Be kind.", "max_tokens": 5, "messages": MESSAGES[1:]}
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
}
REQUESTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": ("/v1/chat/completions", CHAT, "chat"),
    "azure": ("/openai/deployments/m/chat/completions?api-version=1", {"messages": MESSAGES}, "chat"),
    "databricks": ("/serving-endpoints/m/invocations", {"messages": MESSAGES}, "chat"),
    "databricks, OpenAI's client": ("/serving-endpoints/chat/completions", CHAT, "chat"),
    "streamed by mistralai": ("/v1/chat/completions#stream", {**CHAT, "stream": True}, "chat"),
    "responses": ("/v1/responses", RESPONSES, "responses"),
    "responses of messages": (
        "/v1/responses",
        {"model": "m", "input": [{"role": "developer", "content": "Be kind."}, *MESSAGES[1:]]},
        "responses",
    ),
    "messages": ("/v1/messages", MESSAGES_API, "messages"),
    "messages in parts": (
        "/v1/messages?beta=true",
        {
            **MESSAGES_API,
            "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        },
        "messages",
    ),
    "vertex": (
        "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",
        {"anthropic_version": "v", "system": "Be kind.", "messages": MESSAGES[1:]},
        "messages",
    ),
    "gemini": ("/v1beta/models/m:generateContent", GEMINI, "gemini"),
    "gemini, streamed": ("/v1beta/models/m:streamGenerateContent?alt=sse", GEMINI, "gemini"),
}
OTHERS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v1/chat/completions", CHAT),
    ("POST", "/v1/embeddings", {"model": "m", "input": "Hello"}),
    ("POST", "/v1/files", {"purpose": "batch"}),
    ("POST", "/v1/chat/completions", {"model": "m"}),
    ("POST", "/v1/chat/completions", [1]),
    ("POST", "/api/messages", {"text": "a chat message"}),
    ("POST", "/v1/messages", {"to": "you", "text": "no model's"}),
    ("POST", "/oauth/token", {"grant_type": "client_credentials"}),
)


def sent(path: str, body: Any, method: str = "POST") -> OutgoingRequest:
    return OutgoingRequest(
        method=method, url=f"https://anywhere.example{path}", body=json.dumps(body).encode()
    )


def asking(path: str, body: Any) -> Asking:
    found = asking_of(sent(path, body), "clerk")
    assert found is not None
    return found


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_read(name: str) -> None:
    path, body, format_ = REQUESTS[name]
    found = asking(path, body)
    assert found.format.name == format_
    request = found.request
    assert (request.agent, request.model, request.prompt) == ("clerk", "m", "Be kind.")
    assert "Hello" in json.dumps(request.input)
    assert "Be kind." not in json.dumps([request.input, request.settings])


@pytest.mark.parametrize("name", REQUESTS)
def test_a_candidate_takes_the_prompts_place_and_changes_nothing_else(name: str) -> None:
    path, body, _ = REQUESTS[name]
    found = asking(path, body)
    changed = found.tried(Variant(name="x", template="{{ baseline }} Be brief, {{ agent }}."))
    assert changed.request.prompt == "Be kind. Be brief, clerk."
    same = json.dumps(changed.sent.json).replace("Be kind. Be brief, clerk.", "Be kind.")
    assert json.loads(same) == body
    assert changed.sent.url == found.sent.url


@pytest.mark.parametrize("name", REQUESTS)
def test_a_candidates_model_and_settings_are_said_in_the_formats_own_places(name: str) -> None:
    path, body, format_ = REQUESTS[name]
    changed = asking(path, body).tried(Variant(name="x", model="large", settings={"temperature": 0.5}))
    assert changed.request.model == "large"
    told = changed.sent.json
    assert told is not None
    assert (told["generationConfig"] if format_ == "gemini" else told)["temperature"] == 0.5
    assert "large" in json.dumps(told) or re.search("/large[:/]", changed.sent.url)


def offering(format_: str, *names: str) -> dict[str, Any]:
    """The part of a request that offers tools of these names."""
    if format_ == "gemini":
        declared = {"functionDeclarations": [{"name": name} for name in names]}
        return {"tools": [{"googleSearch": {}}, declared], "toolConfig": {"functionCallingConfig": {}}}
    nested = [{"type": "function", "function": {"name": name}} for name in names]
    plain = [{"type": "function", "name": name} for name in names]
    return {"tools": nested if format_ == "chat" else plain, "tool_choice": "auto"}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(
    ("tools", "left"), [(("look",), ["look"]), (("-look",), ["book"]), (("-look", "-book"), []), ((), [])]
)
def test_a_candidate_offers_fewer_tools_in_the_formats_own_places(
    name: str, tools: tuple[str, ...], left: list[str]
) -> None:
    path, body, format_ = REQUESTS[name]
    found = asking(path, {**body, **offering(format_, "look", "book")})
    changed = found.tried(Variant(name="x", tools=tools))
    assert [tool.name for tool in changed.request.tools] == left
    assert (changed.request.prompt, changed.request.input) == (found.request.prompt, found.request.input)
    sent_now = changed.sent.json or {}
    assert [("tool_choice" in sent_now) or ("toolConfig" in sent_now)] == [bool(left) or format_ == "gemini"]


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("tools", [("loook",), ("-loook",)])
def test_a_tool_that_is_not_offered_is_refused_by_its_name(name: str, tools: tuple[str, ...]) -> None:
    path, body, format_ = REQUESTS[name]
    found = asking(path, {**body, **offering(format_, "look", "book")})
    with pytest.raises(BadInputError, match=r"offers no tool 'loook'.*'look'.*it offers book, look"):
        found.tried(Variant(name="x", tools=tools))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_candidate_becomes_the_missing_system_message(name: str) -> None:
    path, body, _ = REQUESTS[name]
    bare = {
        key: value
        for key, value in body.items()
        if key not in ("system", "systemInstruction", "instructions")
    }
    for key in ("messages", "input"):
        if isinstance(bare.get(key), list):
            bare[key] = MESSAGES[1:]
    found = asking(path, bare)
    assert found.request.prompt is None
    changed = found.tried(Variant(name="x", template="Be kind.{{ baseline }}"))
    assert changed.request.prompt == "Be kind."
    assert changed.request.input == found.request.input


@pytest.mark.parametrize(("method", "path", "body"), OTHERS)
def test_other_requests_are_not_recognised_as_model_calls(method: str, path: str, body: Any) -> None:
    assert format_of(sent(path, body, method)) is None


def events(*told: Any) -> bytes:
    return "".join(f"event: x\ndata: {json.dumps(each)}\n\n" for each in told).encode() + b"data: [DONE]\n\n"


CALL = {"name": "look", "arguments": '{"at": 1}'}
WHOLE: dict[str, Any] = {
    "chat": {
        "model": "m-1",
        "choices": [
            {
                "finish_reason": "length",
                "message": {"content": "It fell.", "tool_calls": [{"function": CALL}]},
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
    },
    "responses": {
        "model": "m-1",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [
            {"type": "message", "content": [{"type": "output_text", "text": "It fell."}]},
            {"type": "function_call", **CALL},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 2},
    },
    "messages": {
        "model": "m-1",
        "content": [
            {"type": "text", "text": "It fell."},
            {"type": "tool_use", "name": "look", "input": {"at": 1}},
        ],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 9, "output_tokens": 2},
    },
    "gemini": {
        "modelVersion": "m-1",
        "candidates": [
            {
                "finishReason": "MAX_TOKENS",
                "content": {
                    "parts": [{"text": "It fell."}, {"functionCall": {"name": "look", "args": {"at": 1}}}]
                },
            }
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2},
    },
}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


STREAMED: dict[str, bytes] = {
    "chat": events(
        chunk({"content": "It "}),
        chunk({"content": "fell."}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": '{"at"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}),
        chunk({}, "length"),
        {"model": "m-1", "choices": [], "usage": WHOLE["chat"]["usage"]},
    ),
    "responses": events(
        {"type": "response.created", "response": {"output": []}},
        {"type": "response.output_text.delta", "delta": "It "},
        {"type": "response.incomplete", "response": WHOLE["responses"]},
    ),
    "messages": events(
        {"type": "message_start", "message": {"model": "m-1", "content": [], "usage": {"input_tokens": 9}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "It "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "fell."}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "name": "look", "input": {}},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"at": '}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": "1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ),
    "gemini": events(
        {"candidates": [{"content": {"parts": [{"text": "It "}]}}]},
        {
            **WHOLE["gemini"],
            "candidates": [
                {
                    "finishReason": "MAX_TOKENS",
                    "content": {
                        "parts": [{"text": "fell."}, {"functionCall": {"name": "look", "args": {"at": 1}}}]
                    },
                }
            ],
        },
    ),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_is_read(name: str, streamed: bool) -> None:
    found = asking(*REQUESTS[name][:2])
    kind = "text/event-stream" if streamed else "application/json"
    body = STREAMED[name] if streamed else json.dumps(WHOLE[name]).encode()
    reading = found.read(Received(status=200, headers=(("content-type", kind),), body=body))
    assert reading is not None
    assert reading.answer.text == "It fell."
    assert reading.answer.tool_calls == (ToolCall(name="look", arguments={"at": 1}),)
    assert reading.usage is not None
    assert (reading.usage.input_tokens, reading.usage.output_tokens) == (9, 2)
    assert (reading.model, reading.cut_off, reading.filtered) == ("m-1", True, False)


WORDS = [
    *("choices", "message", "content", "delta", "tool_calls", "function", "usage", "output"),
    *("candidates", "parts", "text", "type"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(name=st.sampled_from(sorted(WHOLE)), body=JSON, streamed=st.booleans())
def test_any_response_is_read_or_is_no_answer(name: str, body: Any, streamed: bool) -> None:
    told = events(body, body) if streamed else json.dumps(body).encode()
    kind = "text/event-stream" if streamed else "application/json"
    asking(*REQUESTS[name][:2]).read(Received(status=200, headers=(("content-type", kind),), body=told))


@given(
    name=st.sampled_from(sorted(REQUESTS)), key=st.sampled_from(sorted(CHAT | RESPONSES | GEMINI)), value=JSON
)
def test_any_request_of_a_step_is_read(name: str, key: str, value: Any) -> None:
    path, body, _ = REQUESTS[name]
    found = asking_of(sent(path, {**body, key: value}), None)
    if found is not None:
        found.tried(Variant(name="x", template="Be brief.", model="large", settings={"seed": 1}))


@given(
    body=st.binary(max_size=40) | JSON.map(lambda each: json.dumps(each).encode()),
    kind=st.none() | st.text(max_size=9),
)
def test_a_response_is_kept_as_it_was(body: bytes, kind: str | None) -> None:
    headers = () if kind is None else (("Content-Type", kind), ("Set-Cookie", "secret"))
    kept = as_json(Received(status=200, headers=headers, body=body))
    again = from_json(json.loads(json.dumps(kept)))
    assert again is not None
    assert again.header("content-type") == kind
    assert set(kept) <= {"status", "type", "json", "text", "base64"}, "no header but the content type is kept"
    try:
        assert json.loads(again.body) == json.loads(body)
    except ValueError:
        assert again.body == body

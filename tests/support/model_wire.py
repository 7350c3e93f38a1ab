"""The JSON of the APIs that the model server speaks: OpenAI's two, Anthropic's messages, and Gemini's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from support import gemini_wire

CHAT: Final = "/chat/completions"
RESPONSES: Final = "/responses"
MESSAGES: Final = "/messages"


def served(path: str) -> str | None:
    """The API of a request's path, None where none is served there. That of Gemini names the model, too."""
    plain = urlsplit(path).path
    if plain.endswith(gemini_wire.GEMINI):
        return plain
    return next((api for api in (CHAT, RESPONSES, MESSAGES) if plain.endswith(api)), None)


@dataclass(frozen=True)
class Call:
    """A tool call. ``arguments`` as a string is sent as it stands, valid JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    id: str | None = None

    @property
    def arguments_text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the model says: text, tool calls, or both, and the tokens that it took.

    ``model`` is the model that the answer names, None for the one that was asked for.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    input_tokens: int = 100
    cached_tokens: int = 0
    output_tokens: int = 10
    reasoning_tokens: int = 0
    model: str | None = None


@dataclass(frozen=True)
class Failure:
    """A status instead of an answer; with ``drop`` the connection is closed without one."""

    status: int = 500
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    drop: bool = False


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Whatever a server may send, as it stands."""

    status: int = 200
    kind: str = "application/json"
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it arrived. ``number`` counts arrivals from 0."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    number: int

    @property
    def api(self) -> str:
        """``chat``, ``responses``, ``messages`` or ``gemini``."""
        if self.path.endswith(gemini_wire.GEMINI):
            return "gemini"
        return {CHAT: "chat", MESSAGES: "messages"}.get(self.path, "responses")

    @property
    def model(self) -> str:
        return gemini_wire.model_of(self.path) if self.api == "gemini" else str(self.body.get("model"))

    @property
    def instructions(self) -> str:
        """The system prompt."""
        if self.api == "responses":
            return str(self.body.get("instructions") or "")
        if self.api == "messages":
            return text_of({"content": self.body.get("system")})
        if self.api == "gemini":
            return text_of(gemini_wire.system_of(self.body))
        systems = [item for item in self.items if item.get("role") in ("system", "developer")]
        return "\n".join(text_of(item) for item in systems)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The messages of a chat request, or the input items of a responses request."""
        if self.api == "gemini":
            return gemini_wire.as_messages(self.body)
        found = self.body.get("input" if self.api == "responses" else "messages", [])
        return [{"role": "user", "content": found}] if isinstance(found, str) else list(found)

    @property
    def user(self) -> str:
        """The text of the last message of the user's."""
        return next((text_of(item) for item in reversed(self.items) if item.get("role") == "user"), "")

    @property
    def results(self) -> list[str]:
        """What the tools that were called so far gave back, in order."""
        found = [item for item in self.items if item.get("role") == "tool"]
        found += [item for item in self.items if item.get("type") == "function_call_output"]
        return [text_of(item) for item in found]

    @property
    def turn(self) -> int:
        """How many times the model has answered already in this conversation."""
        return sum(
            1 for before, item in zip([{}, *self.items], self.items, strict=False) if _answers(item, before)
        )

    @property
    def tools(self) -> list[str]:
        """The names of the tools that are offered."""
        offered: list[dict[str, Any]] = self.body.get("tools") or []
        return [str(tool.get("function", tool).get("name")) for tool in offered]


def text_of(item: Mapping[str, Any]) -> str:
    """The text of a message or of a tool's output."""
    content = item.get("content", item.get("output"))
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)


def encode_reply(request: Received, reply: Reply) -> dict[str, Any]:
    """The body of a 200 in the API that was asked."""
    encoders: dict[str, Callable[[Received, Reply], dict[str, Any]]] = {
        "chat": _chat,
        "gemini": _gemini,
        "messages": _messages,
        "responses": _responses,
    }
    return encoders[request.api](request, reply)


def encode_stream(request: Received, reply: Reply) -> str:
    """The same as the events of a stream of chat completions, two characters at a time."""
    whole = _chat(request, reply)
    shared = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    deltas = [{"content": reply.text[at : at + 2]} for at in range(0, len(reply.text), 2)]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    ends = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    chunks = [{**shared, "choices": [choice]} for choice in [*choices, *ends]]
    if (request.body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**shared, "choices": [], "usage": whole["usage"]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _answers(item: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    # One answer of the responses API is several items in a row; one of the chat API is one message.
    return _from_model(item) and not (_from_model(before) and "type" in item)


def _from_model(item: Mapping[str, Any]) -> bool:
    return item.get("role") == "assistant" or item.get("type") == "function_call"


def _call_id(request: Received, call: Call, index: int) -> str:
    return call.id or f"call_{len(request.items)}_{index}"


def _chat(request: Received, reply: Reply) -> dict[str, Any]:
    calls = [
        {
            "id": _call_id(request, call, index),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_text},
        }
        for index, call in enumerate(reply.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    message |= {"tool_calls": calls} if calls else {}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "tool_calls" if calls else "stop",
        "logprobs": None,
    }
    return {
        "id": f"chatcmpl-{request.number}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": reply.model or request.model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        },
    }


def _responses(request: Received, reply: Reply) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if reply.text:
        content = [{"type": "output_text", "text": reply.text, "annotations": []}]
        message = {
            "id": f"msg_{request.number}",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
        output.append({"type": "message"} | message)
    output += [
        {
            "type": "function_call",
            "id": f"fc_{request.number}_{index}",
            "call_id": _call_id(request, call, index),
            "name": call.name,
            "arguments": call.arguments_text,
            "status": "completed",
        }
        for index, call in enumerate(reply.calls)
    ]
    return {
        "id": f"resp_{request.number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "model": reply.model or request.model,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": request.body.get("instructions"),
        "metadata": {},
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": request.body.get("tools") or [],
        "usage": {
            "input_tokens": reply.input_tokens,
            "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": reply.output_tokens,
            "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
            "total_tokens": reply.input_tokens + reply.output_tokens,
        },
    }


def _messages(request: Received, reply: Reply) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{index}", "name": call.name, "input": dict(call.arguments)}
        for index, call in enumerate(reply.calls)
        if isinstance(call.arguments, Mapping)
    ]
    return {
        "id": f"msg_{request.number}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or request.model,
        "content": content,
        "stop_reason": "tool_use" if reply.calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": reply.input_tokens - reply.cached_tokens,
            "cache_read_input_tokens": reply.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": reply.output_tokens,
        },
    }


def _gemini(request: Received, reply: Reply) -> dict[str, Any]:
    return gemini_wire.encode_gemini(
        reply.text, model=request.model, input_tokens=reply.input_tokens, output_tokens=reply.output_tokens
    )

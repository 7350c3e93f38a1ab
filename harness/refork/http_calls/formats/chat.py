"""The wire format of chat completions: OpenAI's, Azure's, Databricks', Groq's, vLLM's and others."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from refork.http_calls.client_responses import answer_of, model_of, usage_of
from refork.http_calls.formats import sse
from refork.http_calls.formats.wire_format import (
    Reading,
    as_object,
    settings_of,
    text_of,
    tools_of,
    with_text,
    with_tools,
)
from refork.http_calls.wire import Received
from refork.records import Request

_PATHS: Final = ("/chat/completions", "/invocations")
_IN_PATH: Final = re.compile(r"/(?:deployments|serving-endpoints|endpoints)/([^/]+)/")
"""Finds the model, or the endpoint that serves it, in the paths of Azure and Databricks."""
_SYSTEM: Final = ("system", "developer")


class Chat:
    name = "chat"

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        return path.endswith(_PATHS) and isinstance(body.get("messages"), list)

    def request(self, path: str, body: Mapping[str, Any]) -> Request:
        named = _IN_PATH.search(path)
        leading, rest = split(body["messages"])
        schema = as_object(as_object(body.get("response_format")).get("json_schema")).get("schema")
        return Request(
            model=body.get("model") if isinstance(body.get("model"), str) else named[1] if named else None,
            prompt=joined(leading),
            input=rest,
            tools=tools_of(body.get("tools")),
            settings=settings_of(body, "model", "messages", "tools"),
            output_schema=schema if isinstance(schema, dict) else None,
        )

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        leading, rest = split(body["messages"])
        first = leading[0] if leading else {"role": "system", "content": ""}
        return {**body, "messages": [{**first, "content": with_text(first.get("content"), prompt)}, *rest]}

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, **settings}

    def offering(self, body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        return with_tools(body, names)

    def read(self, answer: Received) -> Reading | None:
        body = _assembled(sse.events(answer)) if sse.is_stream(answer) else sse.whole(answer)
        if body is None or not isinstance(body.get("choices"), list):
            return None
        said = {**body, "object": "chat.completion"}
        first = next((choice for choice in body["choices"] if isinstance(choice, dict)), {})
        finish = first.get("finish_reason")
        return Reading(
            answer=answer_of(said),
            usage=usage_of(said),
            model=model_of(said),
            finish=finish if isinstance(finish, str) else None,
        )


def split(messages: list[Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the system messages at the start of a conversation, and the rest of it."""
    end = next((place for place, message in enumerate(messages) if not _is_system(message)), len(messages))
    return messages[:end], messages[end:]


def joined(leading: list[dict[str, Any]]) -> str | None:
    """Return the text of the system messages; None if there are none."""
    texts = [text_of(message.get("content")) or "" for message in leading]
    return "\n\n".join(texts) if texts else None


def _is_system(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM


def _assembled(chunks: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the whole answer of a stream's chunks, with the first of several choices; None without chunks."""
    body: dict[str, Any] = {}
    text, refusal, finish = "", "", None
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        body = {
            **body,
            **{key: value for key, value in chunk.items() if value is not None and key != "choices"},
        }
        choices = chunk.get("choices")
        body.setdefault("choices", [])
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            delta = as_object(choice.get("delta"))
            text += _text(delta.get("content"))
            refusal += _text(delta.get("refusal"))
            finish = choice.get("finish_reason") or finish
            _add(calls, delta.get("tool_calls"))
    if not body:
        return None
    message = {
        "content": text or None,
        "refusal": refusal or None,
        "tool_calls": [calls[at] for at in sorted(calls)],
    }
    return {**body, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else text_of(value) or ""


def _add(calls: dict[int, dict[str, Any]], deltas: Any) -> None:
    for delta in deltas if isinstance(deltas, list) else []:
        if not isinstance(delta, dict) or not isinstance(delta.get("index", 0), int):
            continue
        said = as_object(delta.get("function"))
        call = calls.setdefault(delta.get("index", 0), {"function": {"name": "", "arguments": ""}})
        call["function"]["name"] += _text(said.get("name"))
        call["function"]["arguments"] += _text(said.get("arguments"))

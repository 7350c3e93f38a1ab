"""The wire format of Anthropic's Messages API, at Anthropic and at Vertex."""

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

_OF_VERTEX: Final = (":rawPredict", ":streamRawPredict")


class Messages:
    name = "messages"

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        of_vertex = path.endswith(_OF_VERTEX) and "anthropic_version" in body
        return (path.endswith("/messages") or of_vertex) and isinstance(body.get("messages"), list)

    def request(self, path: str, body: Mapping[str, Any]) -> Request:
        of_vertex = path.rpartition("/models/")[2].partition(":")[0] if path.endswith(_OF_VERTEX) else None
        return Request(
            model=body["model"] if isinstance(body.get("model"), str) else of_vertex,
            prompt=text_of(body.get("system")),
            input=body["messages"],
            tools=tools_of(body.get("tools")),
            settings=settings_of(body, "model", "system", "messages", "tools"),
        )

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        return {**body, "system": with_text(body.get("system"), prompt)}

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, **settings}

    def offering(self, body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        return with_tools(body, names)

    def read(self, answer: Received) -> Reading | None:
        body = _assembled(sse.events(answer)) if sse.is_stream(answer) else sse.whole(answer)
        if body is None or not isinstance(body.get("content"), list):
            return None
        said = {**body, "type": "message", "role": "assistant", "stop_reason": body.get("stop_reason")}
        finish = body.get("stop_reason")
        return Reading(
            answer=answer_of(said),
            usage=usage_of(said),
            model=model_of(said),
            finish=finish if isinstance(finish, str) else None,
        )


def _assembled(events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the whole message of a stream's events; None if it does not start."""
    body: dict[str, Any] | None = None
    blocks: dict[Any, dict[str, Any]] = {}
    for event in events:
        kind, at = event.get("type"), event.get("index")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            body = dict(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[at] = {**event["content_block"]}
        elif kind == "content_block_delta" and at in blocks:
            _add(blocks[at], event.get("delta"))
        elif kind == "message_delta" and body is not None:
            body = {**body, **as_object(event.get("delta"))}
            body["usage"] = {**as_object(body.get("usage")), **as_object(event.get("usage"))}
    return None if body is None else {**body, "content": [_closed(block) for block in blocks.values()]}


def _add(block: dict[str, Any], delta: Any) -> None:
    said = as_object(delta)
    if isinstance(said.get("text"), str):
        block["text"] = str(block.get("text") or "") + said["text"]
    elif isinstance(said.get("partial_json"), str):
        block["written"] = str(block.get("written") or "") + said["partial_json"]


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    written = block.pop("written", None)
    return block if written is None else {**block, "input": written}

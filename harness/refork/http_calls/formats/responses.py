"""The wire format of OpenAI's Responses API."""

from collections.abc import Collection, Mapping
from typing import Any

from refork.http_calls.client_responses import answer_of, model_of, usage_of
from refork.http_calls.formats import sse
from refork.http_calls.formats.chat import joined, split
from refork.http_calls.formats.wire_format import Reading, settings_of, tools_of, with_text, with_tools
from refork.http_calls.wire import Received
from refork.records import Request


class Responses:
    name = "responses"

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        return path.endswith(("/responses", "/invocations")) and isinstance(body.get("input"), str | list)

    def request(self, path: str, body: Mapping[str, Any]) -> Request:  # noqa: ARG002 - the body says it all
        given = body["input"]
        leading, rest = ([], given) if _instructed(body) or isinstance(given, str) else split(given)
        format_ = body["text"].get("format") if isinstance(body.get("text"), dict) else None
        schema = format_.get("schema") if isinstance(format_, dict) else None
        return Request(
            model=body.get("model") if isinstance(body.get("model"), str) else None,
            prompt=body["instructions"] if _instructed(body) else joined(leading),
            input=rest,
            tools=tools_of(body.get("tools")),
            settings=settings_of(body, "model", "instructions", "input", "tools"),
            output_schema=schema if isinstance(schema, dict) else None,
        )

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        given = body["input"]
        leading, rest = ([], given) if _instructed(body) or isinstance(given, str) else split(given)
        if not leading:
            return {**body, "instructions": prompt}
        first = {**leading[0], "content": with_text(leading[0].get("content"), prompt)}
        return {**body, "input": [first, *rest]}

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, **settings}

    def offering(self, body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        return with_tools(body, names)

    def read(self, answer: Received) -> Reading | None:
        body = _ended(answer) if sse.is_stream(answer) else sse.whole(answer)
        if body is None or not isinstance(body.get("output"), list):
            return None
        response = {**body, "object": "response"}
        return Reading(
            answer=answer_of(response),
            usage=usage_of(response),
            model=model_of(response),
            finish=_finish(body),
        )


def _instructed(body: Mapping[str, Any]) -> bool:
    return isinstance(body.get("instructions"), str)


def _ended(answer: Received) -> dict[str, Any] | None:
    """Return the response that a stream ends with; None if it has none."""
    last = None
    for event in sse.events(answer):
        if isinstance(event.get("response"), dict):
            last = event["response"]
    return last


def _finish(body: Mapping[str, Any]) -> str | None:
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    found = reason or body.get("status")
    return found if isinstance(found, str) else None

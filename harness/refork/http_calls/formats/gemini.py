"""Google's generateContent, of Gemini and of Vertex."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from refork.http_calls.client_responses import ending_of
from refork.http_calls.formats import sse
from refork.http_calls.formats.wire_format import (
    Reading,
    as_object,
    offering_only,
    settings_of,
    text_of,
    with_text,
)
from refork.http_calls.wire import Received
from refork.records import Answer, Request, Tool, ToolCall
from refork.records.usage import Usage, checked

_PATHS: Final = (":generateContent", ":streamGenerateContent")
_FUNCTIONS: Final = "functionDeclarations"
_SYSTEM: Final = ("systemInstruction", "system_instruction")


class Gemini:
    name = "gemini"

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        return path.endswith(_PATHS) and isinstance(body.get("contents"), list)

    def request(self, path: str, body: Mapping[str, Any]) -> Request:
        system = body.get(_key(body))
        config = body.get("generationConfig")
        schema = config.get("responseSchema") if isinstance(config, dict) else None
        return Request(
            model=path.rpartition("/models/")[2].rpartition(":")[0] or None,
            prompt=text_of(system.get("parts")) if isinstance(system, dict) else text_of(system),
            input=body["contents"],
            tools=_tools(body.get("tools")),
            settings=settings_of(body, "contents", "tools", *_SYSTEM),
            output_schema=schema if isinstance(schema, dict) else None,
        )

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        key = _key(body)
        system = body.get(key)
        system = system if isinstance(system, dict) else {}
        parts = with_text(system.get("parts") or [{"text": ""}], prompt)
        return {**body, key: {**system, "parts": parts}}

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "generationConfig": {**as_object(body.get("generationConfig")), **settings}}

    def offering(self, body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        tools = [_declaring(tool, names) for tool in _list(body.get("tools"))]
        return offering_only(body, [tool for tool in tools if tool], "toolConfig")

    def read(self, answer: Received) -> Reading | None:
        parts: list[dict[str, Any]] = []
        said: dict[str, Any] = {}
        finish = None
        for body in _bodies(answer):
            said = {**said, **body}
            for candidate in _list(body.get("candidates"))[:1]:
                parts += _list(as_object(candidate.get("content")).get("parts"))
                finish = candidate.get("finishReason") or finish
        if "candidates" not in said:
            return None
        return Reading(
            answer=_answer(parts, finish),
            usage=_usage(said.get("usageMetadata")),
            model=said["modelVersion"] if isinstance(said.get("modelVersion"), str) else None,
            finish=finish if isinstance(finish, str) else None,
        )


def _key(body: Mapping[str, Any]) -> str:
    return next((key for key in _SYSTEM if key in body), _SYSTEM[0])


def _bodies(answer: Received) -> Iterator[dict[str, Any]]:
    """Yield the JSON body of a response; of a stream several, whether it comes as events or as a list."""
    if sse.is_stream(answer):
        yield from sse.events(answer)
        return
    with suppress(ValueError, RecursionError):
        found = json.loads(answer.body)
        yield from _list(found if isinstance(found, list) else [found])


def _answer(parts: list[dict[str, Any]], finish: Any) -> Answer:
    texts = [str(part["text"]) for part in parts if "text" in part and not part.get("thought")]
    calls = [as_object(part["functionCall"]) for part in parts if "functionCall" in part]
    return Answer(
        text="".join(texts),
        tool_calls=tuple(ToolCall(name=str(call.get("name")), arguments=call.get("args")) for call in calls),
        ending=ending_of(finish, empty=not (texts or calls)),
    )


def _usage(said: Any) -> Usage | None:
    if not isinstance(said, dict):
        return None
    thought = _count(said, "thoughtsTokenCount")
    return checked(
        calls=1,
        input_tokens=_count(said, "promptTokenCount"),
        cached_tokens=_count(said, "cachedContentTokenCount"),
        output_tokens=_count(said, "candidatesTokenCount") + thought,
        reasoning_tokens=thought,
    )


def _declaring(tool: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a tool of a request with the functions of these names; without the list if none are left."""
    declared = [each for each in _list(tool.get(_FUNCTIONS)) if each.get("name") in names]
    rest = {key: value for key, value in tool.items() if key != _FUNCTIONS}
    return {**rest, _FUNCTIONS: declared} if declared else rest


def _tools(offered: Any) -> tuple[Tool, ...]:
    declared = [each for tool in _list(offered) for each in _list(tool.get(_FUNCTIONS))]
    return tuple(
        Tool(
            name=str(each.get("name")),
            description=str(each.get("description") or ""),
            parameters=as_object(each.get("parameters")),
        )
        for each in declared
    )


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

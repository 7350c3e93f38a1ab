"""Reads the results of the clients of openai and anthropic by their fields, without importing these packages.

It knows ``ChatCompletion``, ``Response`` and ``Message``, as objects and as the result of ``model_dump()``, alone
or one level deep in a dataclass, a mapping, a tuple or a list.
"""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

from pydantic import ValidationError

from refork.records import Answer, Ending, ToolCall
from refork.records.usage import Usage, checked
from refork.records.workflow_result import answer_of as answer_of_result
from refork.values import Registry
from refork.values.types import NotPortable

_REASONS: Final = {
    "length": Ending.CUT_OFF,
    "max_tokens": Ending.CUT_OFF,
    "max_output_tokens": Ending.CUT_OFF,
    "MAX_TOKENS": Ending.CUT_OFF,
    "model_context_window_exceeded": Ending.CUT_OFF,
    "content_filter": Ending.FILTERED,
    "SAFETY": Ending.FILTERED,
    "PROHIBITED_CONTENT": Ending.FILTERED,
    "BLOCKLIST": Ending.FILTERED,
    "RECITATION": Ending.FILTERED,
    "SPII": Ending.FILTERED,
    "refusal": Ending.REFUSED,
}
"""Endings by their names in the wire formats: finish_reason, incomplete_details.reason, stop_reason, finishReason."""

KNOWN: Final = {
    "chat": ("openai.types.chat.chat_completion", "ChatCompletion"),
    "response": ("openai.types.responses.response", "Response"),
    "message": ("anthropic.types.message", "Message"),
}
"""The module and name of each client's class, by the shape of its fields."""


def answer_of(output: object) -> Answer:
    """Return the text and tool calls of a model's answer; of any other value the text, or JSON as ``structured``."""
    found = _found(output)
    if found is not None:
        shape, fields = found
        return {"chat": _chat_answer, "response": _response_answer, "message": _message_answer}[shape](fields)
    return answer_of_result(output)


def usage_of(output: object) -> Usage | None:
    """Return the tokens of a model's answer; None for anything else, or if the answer has none."""
    found = _found(output)
    usage = None if found is None else found[1].get("usage")
    if found is None or not isinstance(usage, Mapping):
        return None
    return _anthropic_usage(usage) if found[0] == "message" else _openai_usage(usage)


def model_of(output: object) -> str | None:
    """Return the name of the model that answered; None if unknown."""
    found = _found(output)
    model = None if found is None else found[1].get("model")
    return model if isinstance(model, str) else None


def is_response(output: object) -> bool:
    """Return whether a value is, or contains, a model's answer."""
    return _found(output) is not None


def register(registry: Registry) -> None:
    """Register the classes whose packages are imported, so that checkpoints that hold them can be written."""
    for module, name in KNOWN.values():
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            registry.register(
                kind, name=f"{module.partition('.')[0]}.{name}", encode=_dumped, decode=partial(_built, kind)
            )


def _dumped(answer: Any) -> Any:
    try:
        return answer.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    except (RecursionError, TypeError, ValueError) as error:
        raise NotPortable(f"cannot be written as JSON ({error})") from error


def _built(kind: Any, data: Any) -> Any:
    """Return an answer as its client makes it, also if its class would refuse the fields of an older server."""
    try:
        return kind.model_validate(data)
    except ValidationError:
        return kind.construct(**data)


def _found(output: object) -> tuple[str, Mapping[str, Any]] | None:
    """Return the shape and fields of the first answer in a value; None if there is none."""
    return next((found for each in (output, *_parts(output)) if (found := _read(each)) is not None), None)


def _parts(output: object) -> Sequence[object]:
    if isinstance(output, Mapping):
        return list(output.values())
    if isinstance(output, list | tuple):
        return output
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return [getattr(output, field.name) for field in dataclasses.fields(output)]
    return ()


def _read(value: object) -> tuple[str, Mapping[str, Any]] | None:
    for base in type(value).__mro__:
        for shape, known in KNOWN.items():
            if (base.__module__, base.__name__) == known:
                dumped: Mapping[str, Any] = value.model_dump(mode="json", warnings=False)  # type: ignore[attr-defined]
                return shape, dumped
    looks = _shape(value) if isinstance(value, Mapping) else None
    return None if looks is None else (looks, cast(Mapping[str, Any], value))


def _shape(fields: Mapping[Any, Any]) -> str | None:
    if fields.get("object") == "chat.completion" and isinstance(fields.get("choices"), list):
        return "chat"
    if fields.get("object") == "response" and isinstance(fields.get("output"), list):
        return "response"
    is_message = fields.get("type") == "message" and fields.get("role") == "assistant"
    return (
        "message"
        if is_message and "stop_reason" in fields and isinstance(fields.get("content"), list)
        else None
    )


def _chat_answer(fields: Mapping[str, Any]) -> Answer:
    choice = next(iter(map(_mapping, fields["choices"])), {})
    message = _mapping(choice.get("message"))
    calls = [_mapping(_mapping(call).get("function")) for call in _items(message.get("tool_calls"))]
    text = _text(message.get("content"))
    return Answer(
        text=text or _text(message.get("refusal")),
        tool_calls=tuple(_call(call.get("name"), call.get("arguments")) for call in calls if call),
        ending=ending_of(
            choice.get("finish_reason"), refusal=message.get("refusal"), empty=not (text or calls)
        ),
    )


def _response_answer(fields: Mapping[str, Any]) -> Answer:
    texts: list[str] = []
    calls: list[ToolCall] = []
    refusal = False
    for item in map(_mapping, fields["output"]):
        if item.get("type") == "message":
            parts = [_mapping(part) for part in _items(item.get("content"))]
            texts += [_text(part.get("text")) or _text(part.get("refusal")) for part in parts]
            refusal = refusal or any(part.get("refusal") for part in parts)
        elif item.get("type") == "function_call":
            calls.append(_call(item.get("name"), item.get("arguments")))
    why = _mapping(fields.get("incomplete_details")).get("reason")
    empty = not (any(texts) or calls)
    return Answer(
        text="".join(texts), tool_calls=tuple(calls), ending=ending_of(why, refusal=refusal, empty=empty)
    )


def _message_answer(fields: Mapping[str, Any]) -> Answer:
    blocks = [_mapping(block) for block in fields["content"]]
    text = "".join(_text(block.get("text")) for block in blocks if block.get("type") == "text")
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    return Answer(
        text=text,
        tool_calls=tuple(_call(block.get("name"), block.get("input")) for block in calls),
        ending=ending_of(fields.get("stop_reason"), empty=not (text or calls)),
    )


def ending_of(reason: object, *, refusal: object = None, empty: bool = False) -> Ending | None:
    """Return how an answer ended, from the provider's ``reason``; None if it ended normally and is not empty."""
    if isinstance(reason, str) and reason in _REASONS:
        return _REASONS[reason]
    if refusal:
        return Ending.REFUSED
    return Ending.EMPTY if empty else None


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _text(value: object) -> str:
    """Return the text of a message's content, which may be a list of parts."""
    if isinstance(value, str):
        return value
    texts = (_mapping(part).get("text") for part in _items(value))
    return "".join(text for text in texts if isinstance(text, str))


def _call(name: object, arguments: object) -> ToolCall:
    if isinstance(arguments, str):
        with suppress(ValueError, RecursionError):  # then it stays as the model wrote it
            arguments = json.loads(arguments)
    return ToolCall(name=str(name), arguments=arguments)


def _openai_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Return OpenAI's usage. Chat completions call it prompt and completion, responses input and output."""
    read = _mapping(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    made = _mapping(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    return checked(
        calls=1,
        input_tokens=_count(usage, "prompt_tokens", "input_tokens"),
        cached_tokens=_count(read, "cached_tokens"),
        output_tokens=_count(usage, "completion_tokens", "output_tokens"),
        reasoning_tokens=_count(made, "reasoning_tokens"),
    )


def _anthropic_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Return Anthropic's usage, whose ``input_tokens`` do not include tokens read from or written to the cache."""
    cached = _count(usage, "cache_read_input_tokens")
    return checked(
        calls=1,
        input_tokens=_count(usage, "input_tokens") + cached + _count(usage, "cache_creation_input_tokens"),
        cached_tokens=cached,
        output_tokens=_count(usage, "output_tokens"),
        reasoning_tokens=_count(_mapping(usage.get("output_tokens_details")), "thinking_tokens"),
    )


def _count(fields: Mapping[str, Any], *names: str) -> float:
    """Return the first of these fields that is a number; 0 if none is."""
    found = (fields.get(name) for name in names)
    return next((each for each in found if isinstance(each, int | float)), 0)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

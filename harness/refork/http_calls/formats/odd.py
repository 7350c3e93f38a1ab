"""Describes what is unusual about an answer that a client could not read, by the client's own classes."""

import sys
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from refork.http_calls.formats import sse
from refork.http_calls.wire import Received
from refork.redaction.error_text import message_of
from refork.text.lines import one_line

_KNOWN: Final = {
    "chat": ("openai.types.chat", "ChatCompletion", "choices"),
    "responses": ("openai.types.responses", "Response", "output"),
    "messages": ("anthropic.types", "Message", "content"),
}
"""The client's class of a whole answer, and the field that every answer has, by the name of the format."""
_SHOWN: Final = 80


def oddity(format_name: str, answer: Received) -> str:
    """Describe in a few words what is unusual about the body of an answer; empty if nothing is."""
    if not answer.body.strip():
        return "it is empty"
    body = sse.whole(answer)
    if body is not None:
        return _of_fields(format_name, body)
    if sse.is_stream(answer):
        return ""
    kind = answer.header("content-type") or "no content type"
    return f"it is not a JSON object ({kind}): {one_line(answer.text[:_SHOWN], _SHOWN)!r}"


def _of_fields(format_name: str, body: dict[str, Any]) -> str:
    module, name, field = _KNOWN.get(format_name, ("", "", ""))
    if field and field not in body:
        return f"{field!r} is missing"
    found = _refused(getattr(sys.modules.get(module), name, None), body)
    return found or (f"{field!r} is empty" if field and not body[field] else "")


def _refused(kind: Any, body: dict[str, Any]) -> str:
    """Return what the client's own class finds wrong with the fields."""
    try:
        if isinstance(kind, type):
            TypeAdapter(kind).validate_python(body)
    except ValidationError as error:
        return message_of(error)
    except Exception:  # a class that another release makes otherwise
        return ""
    return ""

"""The protocol that each wire format implements, and what several of them use."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from refork.http_calls.wire import Received
from refork.records import Answer, Request, Tool
from refork.records.usage import Usage

CUT_OFF: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "model_context_window_exceeded"}
)
"""Names in the formats of an answer that ended at its limit of tokens."""
FILTERED: Final = frozenset(
    {"content_filter", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII"}
)
"""Names in the formats of an answer that the provider held back."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The content of a response. ``usage`` is None if it has none; ``finish`` is the format's own word for the
    ending.
    """

    answer: Answer
    usage: Usage | None = None
    model: str | None = None
    finish: str | None = None

    @property
    def cut_off(self) -> bool:
        return self.finish in CUT_OFF

    @property
    def filtered(self) -> bool:
        return self.finish in FILTERED


class WireFormat(Protocol):
    """Reads and changes requests to a model in one format, and reads the responses."""

    @property
    def name(self) -> str: ...

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        """Return whether a POST of this body to this path is a request in this format."""
        ...

    def request(self, path: str, body: Mapping[str, Any]) -> Request:
        """Return the request in the body, completely."""
        ...

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        """Return the body with ``prompt`` as its system message, which is added if there is none."""
        ...

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body with these settings, which have the format's own names, such as ``temperature``."""
        ...

    def offering(self, body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        """Return the body with only the tools of these names, and without what goes with tools if none are left."""
        ...

    def read(self, answer: Received) -> Reading | None:
        """Read a successful response, streamed or not. Returns None if it is not an answer in this format."""
        ...


def settings_of(body: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """Return the parts of a body that have no field of their own in :class:`refork.records.Request`."""
    return {key: value for key, value in body.items() if key not in known}


def tools_of(offered: Any) -> tuple[Tool, ...]:
    """Return the tools of a request. The formats nest a function tool differently."""
    return tuple(_tool(as_object(tool)) for tool in offered) if isinstance(offered, list) else ()


def with_tools(body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a body with only the tools of these names; without any, a choice among them is left out, too."""
    left = [tool for tool in body.get("tools") or () if _tool(as_object(tool)).name in names]
    return offering_only(body, left, "tool_choice", "parallel_tool_calls")


def offering_only(body: Mapping[str, Any], tools: list[Any], *beside: str) -> dict[str, Any]:
    """Return a body with these tools; without any, the keys that stand ``beside`` tools are left out, too."""
    if tools:
        return {**body, "tools": tools}
    return {key: value for key, value in body.items() if key not in {"tools", *beside}}


def _tool(offered: Mapping[str, Any]) -> Tool:
    said = as_object(offered.get("function", offered))
    return Tool(
        name=str(said.get("name") or offered.get("type") or "tool"),
        description=str(said.get("description") or ""),
        parameters=as_object(said.get("parameters", said.get("input_schema"))),
    )


def text_of(content: Any) -> str | None:
    """Return the text of a message's content, which may be a list of parts; None if it has no text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def with_text(content: Any, prompt: str) -> Any:
    """Return a content with another text. If it has parts, the other fields of the first text part stay."""
    if not isinstance(content, list) or not content:
        return prompt
    first = next((part for part in content if isinstance(part, dict) and "text" in part), {"type": "text"})
    return [{**first, "text": prompt}]


def as_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}

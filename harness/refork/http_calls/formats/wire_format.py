"""What is to be known of a wire format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from refork.http_calls.wire import Received
from refork.records import Answer, Request, Tool
from refork.records.usage import Usage

CUT_OFF: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "model_context_window_exceeded"}
)
"""What the formats call an answer that ended at its limit of tokens."""
FILTERED: Final = frozenset(
    {"content_filter", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII"}
)
"""What they call one that the provider held back."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a response says. ``usage`` is None where it tells none, ``finish`` is the format's own word for its end."""

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
    """A request that asks a model for an answer, and the response to it."""

    @property
    def name(self) -> str: ...

    def fits(self, path: str, body: Mapping[str, Any]) -> bool:
        """Whether a POST of this body to this path is such a request."""
        ...

    def request(self, path: str, body: Mapping[str, Any]) -> Request:
        """What the body says: nothing of it is left out."""
        ...

    def prompted(self, body: Mapping[str, Any], prompt: str) -> dict[str, Any]:
        """The body with ``prompt`` in the place of its system message; added where it has none."""
        ...

    def configured(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """The body with settings of the format's own, such as ``temperature``."""
        ...

    def read(self, answer: Received) -> Reading | None:
        """A response with a status of success, streamed or whole. None where it is no answer of this format."""
        ...


def settings_of(body: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """What a body says beside what has a place of its own in a :class:`refork.records.Request`."""
    return {key: value for key, value in body.items() if key not in known}


def tools_of(offered: Any) -> tuple[Tool, ...]:
    """Function tools, as each of the formats nests them."""
    tools = [told(tool) for tool in offered] if isinstance(offered, list) else []
    return tuple(_tool(tool.get("type"), told(tool.get("function", tool))) for tool in tools)


def _tool(kind: Any, said: Mapping[str, Any]) -> Tool:
    return Tool(
        name=str(said.get("name") or kind or "tool"),
        description=str(said.get("description") or ""),
        parameters=told(said.get("parameters", said.get("input_schema"))),
    )


def text_of(content: Any) -> str | None:
    """The text of a message's content, which may come in parts. None where it holds no text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def retold(content: Any, prompt: str) -> Any:
    """A content with another text: where it came in parts, the first one keeps what else it says."""
    if not isinstance(content, list) or not content:
        return prompt
    first = next((part for part in content if isinstance(part, dict) and "text" in part), {"type": "text"})
    return [{**first, "text": prompt}]


def told(value: Any) -> dict[str, Any]:
    """An object of JSON; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}

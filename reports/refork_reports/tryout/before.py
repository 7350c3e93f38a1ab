"""Reads what else could have gone before the fork point from a command line: tool results, step outputs, messages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refork.errors import BadInputError


@dataclass(frozen=True, kw_only=True)
class Before:
    """Something else that went before the fork point: by step number, what a tool or a step returned instead.

    ``message`` is another text of the user's last message.
    """

    tool_results: Mapping[int, Any] = field(default_factory=dict[int, Any])
    step_outputs: Mapping[int, Any] = field(default_factory=dict[int, Any])
    message: str | None = None


def before_of(
    tool_results: Sequence[str] = (),
    step_outputs: Sequence[str] = (),
    messages: Sequence[str] = (),
    *,
    step: int | None = None,
) -> tuple[Before, ...]:
    """Read what went before from ``STEP=JSON`` or, for a tool at ``step``, from ``JSON``; messages are texts.

    Each is a variant of its own. Raises BadInputError for what is no JSON, or names no step.
    """
    return (
        *(Before(tool_results=_numbered("--tool-result", text, step)) for text in tool_results),
        *(Before(step_outputs=_numbered("--step-output", text, step)) for text in step_outputs),
        *(Before(message=text) for text in messages),
    )


def is_of_the_step(tool_result: str) -> bool:
    """Return whether ``[STEP=]JSON`` names no step, and so is of the one that the run is asked about."""
    number, sign, _ = tool_result.partition("=")
    return not (sign and number.strip().isdecimal())


def _numbered(option: str, text: str, step: int | None) -> dict[int, Any]:
    number, _, value = text.partition("=")
    is_numbered = not is_of_the_step(text)
    if not is_numbered and step is None:
        raise BadInputError(
            f"{option} {text!r} names no step: write STEP=JSON, such as 5={{}}, or fork at the step"
        )
    try:
        return {int(number) if is_numbered else step or 0: json.loads(value if is_numbered else text)}
    except ValueError:
        raise BadInputError(
            f"{option} {text!r} is not JSON: write it as the tool would have, such as []"
        ) from None

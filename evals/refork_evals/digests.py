"""Computes digests of what a model wrote: the same text and tool calls have the same digest on every machine."""

import hashlib
import json
from typing import Any, Final

from refork.records import Answer

from refork_evals.portable import portable

DIGITS: Final = 32
"""Hexadecimal digits of a digest: 128 bits of SHA-256."""


def digest(value: Any) -> str:
    """Return a digest of a JSON value that does not depend on the order of its keys."""
    text = json.dumps(portable(value), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def output_digest(answer: Answer) -> str:
    """Return a digest of an answer's text and tool calls. An answer read back from ``results.json`` has the same
    digest.
    """
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return digest({"text": answer.text, "tool_calls": calls})

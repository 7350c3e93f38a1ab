"""What a workflow came to, as an answer that scorers can look at."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from refork.case import Answer, ToolCall


def answer_of(result: Any, calls: Sequence[ToolCall] = ()) -> Answer:
    """A workflow's result: text as it is, anything else as JSON, in ``structured`` and spelled out in ``text``."""
    plain = to_jsonable_python(result, fallback=str, inf_nan_mode="strings")
    if isinstance(plain, str):
        return Answer(text=plain, tool_calls=tuple(calls))
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    return Answer(text=text, structured=plain, tool_calls=tuple(calls))

"""Good answers of the three APIs, and seeded mutations of them: always the same for the same seed."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

Answered = tuple[int, str, bytes]
"""Status, content type and body."""

CHAT: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-mini",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": "yes",
                "refusal": None,
                "annotations": [],
                "tool_calls": [
                    {
                        "id": "call-1",
                        "type": "function",
                        "function": {"name": "look_up", "arguments": '{"key": "a"}'},
                    }
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    },
}
RESPONSE: Final[dict[str, Any]] = {
    "id": "resp-1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-5-mini",
    "error": None,
    "incomplete_details": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "id": "msg-1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "yes", "annotations": []}],
        },
        {
            "id": "fc-1",
            "type": "function_call",
            "call_id": "call-1",
            "name": "look_up",
            "arguments": '{"key": "a"}',
            "status": "completed",
        },
    ],
    "usage": {
        "input_tokens": 10,
        "output_tokens": 2,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
}
MESSAGE: Final[dict[str, Any]] = {
    "id": "msg-1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "content": [
        {"type": "text", "text": "yes"},
        {"type": "tool_use", "id": "toolu-1", "name": "look_up", "input": {"key": "a"}},
    ],
    "usage": {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 0},
}
ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    10.5,
    1e308,
    float("nan"),
    float("inf"),
    10**40,
    "",
    "yes",
    "length",
    "content_filter",
    "refusal",
    "max_tokens",
    "incomplete",
    "failed",
    "\ud800",
    "\x00\x1b[31m</script>",
    "a" * 5_000,
    [],
    [None],
    [[]],
    {},
    {"type": "text", "text": "yes"},
    [{"type": "text", "text": "yes"}],
    {"type": "message"},
    {"type": "function_call"},
    {"code": 1, "message": None},
)
TYPES: Final = (
    "application/json",
    "text/html",
    "text/plain",
    "text/event-stream",
    "",
    "application/json; charset=latin-1",
)
STATUS: Final = (
    200,
    200,
    200,
    200,
    200,
    200,
    201,
    202,
    204,
    301,
    400,
    401,
    403,
    404,
    408,
    413,
    418,
    429,
    500,
    503,
    529,
)


def mutated(whole: dict[str, Any], seed: int) -> Answered:
    """One mutation after the other: of values, then of the text, then of how it is sent."""
    random = Random(seed)
    document: Any = _copied(whole)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        document = random.choice(_VALUES)(document, random)
    text = json.dumps(document).encode("utf-8", "surrogatepass")
    if random.random() < 0.15:
        text = random.choice(_TEXTS)(text, random)
    status = 200 if random.random() < 0.9 else random.choice(STATUS)
    kind = TYPES[0] if random.random() < 0.9 else random.choice(TYPES)
    return status, kind, text


def _places(whole: Any) -> list[tuple[Any, ...]]:
    """The paths of all values. Without recursion: some are deep."""
    found: list[tuple[Any, ...]] = []
    left: list[tuple[tuple[Any, ...], Any]] = [((), whole)]
    while left:
        path, value = left.pop()
        found.append(path)
        below = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        left += [((*path, key), each) for key, each in below]
    return found


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _replaced(document: Any, random: Random) -> Any:
    path = random.choice(_places(document))
    odd = _copied(random.choice(ODD))
    if not path:
        return odd
    _holder(document, path)[path[-1]] = odd
    return document


def _removed(document: Any, random: Random) -> Any:
    path = random.choice(_places(document))
    if path:
        del _holder(document, path)[path[-1]]
    return document


def _moved(document: Any, random: Random) -> Any:
    """One part of the answer stands where another one belongs."""
    places = _places(document)
    here, there = random.choice(places), random.choice(places)
    value = document
    for key in there:
        value = value[key]
    if here:
        _holder(document, here)[here[-1]] = _copied(value)
    return document


def _nested(document: Any, random: Random) -> Any:
    path = random.choice(_places(document))
    deep: Any = "yes"
    for _ in range(random.choice((5, 50, 200))):
        deep = random.choice(([deep], {"content": deep}))
    if path:
        _holder(document, path)[path[-1]] = deep
    return document


def _doubled(document: Any, random: Random) -> Any:
    lists = [path for path in _places(document) if path and isinstance(_at(document, path), list)]
    if lists:
        path = random.choice(lists)
        _holder(document, path)[path[-1]] = _at(document, path) * random.choice((0, 2, 20))
    return document


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _holder(document: Any, path: tuple[Any, ...]) -> Any:
    return _at(document, path[:-1])


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text) + 1)]


def _flipped(text: bytes, random: Random) -> bytes:
    changed = bytearray(text or b" ")
    for _ in range(random.choice((1, 5, 50))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _other(_text: bytes, random: Random) -> bytes:
    others = (
        b"",
        b"<html>proxy</html>",
        b"null",
        b"[]",
        b"data: {}\n\n",
        b"data: [DONE]\n\n",
        b"\xff\xfe",
        b"[" * 3_000,
    )
    return random.choice(others)


def _streamed(text: bytes, _random: Random) -> bytes:
    return b"data: " + text + b"\n\ndata: [DONE]\n\n"


_BODIES: Final = (
    b"",
    b"<html>proxy</html>",
    b"null",
    b"[]",
    b"data: {}\n\n",
    b"data: [DONE]\n\n",
    b"\xff\xfe",
    b"[" * 3_000,
)
_VALUES: Final[tuple[Callable[[Any, Random], Any], ...]] = (
    _replaced,
    _replaced,
    _replaced,
    _removed,
    _removed,
    _moved,
    _nested,
    _doubled,
)
_TEXTS: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (_cut, _flipped, _other, _streamed)

"""A secret that a streamed answer cuts in two is found in every kind of text that the wire formats stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.fork.secret_filters.secret_stream import hidden_stream

KEY = "sk-ant-api03-" + "a1B2c3D4e5" * 9 + "AA"

STREAMED: dict[str, str] = {
    "chat, text": '{"choices": [{"index": 0, "delta": {"content": PIECE}}]}',
    "chat, refusal": '{"choices": [{"index": 0, "delta": {"refusal": PIECE}}]}',
    "chat, reasoning of DeepSeek": '{"choices": [{"index": 0, "delta": {"reasoning_content": PIECE}}]}',
    "chat, reasoning of OpenRouter": '{"choices": [{"index": 0, "delta": {"reasoning": PIECE}}]}',
    "chat, tool call": '{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": PIECE}}]}}]}',
    "responses": '{"type": "response.output_text.delta", "output_index": 0, "delta": PIECE}',
    "messages, text": '{"index": 0, "delta": {"type": "text_delta", "text": PIECE}}',
    "messages, thinking": '{"index": 0, "delta": {"type": "thinking_delta", "thinking": PIECE}}',
    "messages, tool call": '{"index": 0, "delta": {"type": "input_json_delta", "partial_json": PIECE}}',
    "gemini": '{"candidates": [{"content": {"parts": [{"text": PIECE}]}}]}',
}
"""An event of each stream, with the word for the piece of text in it."""


def stream(kind: str, *pieces: str) -> str:
    return "".join(f"data: {STREAMED[kind].replace('PIECE', json.dumps(piece))}\n\n" for piece in pieces)


@pytest.mark.parametrize("kind", STREAMED)
def test_a_secret_in_two_pieces_is_hidden(kind: str) -> None:
    body = stream(kind, "the key is ", KEY[:20], KEY[20:], " and no other")
    changed = hidden_stream(body)
    assert KEY[:20] not in changed
    assert KEY[20:] not in changed
    assert "the key is" in changed
    assert "and no other" in changed
    assert changed.count("data: ") == body.count("data: ")


@given(st.sampled_from([*STREAMED]), st.integers(1, len(KEY) - 1))
def test_wherever_it_is_cut(kind: str, cut: int) -> None:
    changed = hidden_stream(stream(kind, KEY[:cut], KEY[cut:]))
    assert not any(KEY[at : at + 12] in changed for at in range(len(KEY) - 12))


@pytest.mark.parametrize("kind", STREAMED)
def test_a_stream_without_a_secret_stays_as_it_is(kind: str) -> None:
    body = stream(kind, "no ", "secret ", "here")
    assert hidden_stream(body) == body

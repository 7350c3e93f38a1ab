"""The JSON of Google's generateContent, as the model server speaks it for Gemini and Vertex."""

from collections.abc import Mapping
from typing import Any, Final

GEMINI: Final = ":generateContent"


def model_of(path: str) -> str:
    """The model that a path such as ``/v1beta/models/gemini-2.5-flash:generateContent`` names."""
    return path.rpartition("/models/")[2].removesuffix(GEMINI)


def as_messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The contents of a request as messages of a chat."""
    roles = {"model": "assistant"}
    contents = [dict(each) for each in body.get("contents", [])]
    return [
        {"role": roles.get(each.get("role", "user"), "user"), "content": each["parts"]} for each in contents
    ]


def system_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The system instruction as a message."""
    return {"content": (body.get("systemInstruction") or {}).get("parts")}


def encode_gemini(text: str, *, model: str, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """The body of a 200 that says ``text``."""
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": input_tokens,
            "candidatesTokenCount": output_tokens,
            "totalTokenCount": input_tokens + output_tokens,
        },
        "modelVersion": model,
        "responseId": "gemini-answer",
    }

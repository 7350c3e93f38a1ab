"""Which format a request is in."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from refork.http_calls.formats.chat import Chat
from refork.http_calls.formats.gemini import Gemini
from refork.http_calls.formats.messages import Messages
from refork.http_calls.formats.responses import Responses
from refork.http_calls.formats.wire_format import WireFormat
from refork.http_calls.wire import OutgoingRequest

FORMATS: Final[tuple[WireFormat, ...]] = (Messages(), Chat(), Responses(), Gemini())
PATHS: Final = (
    "/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/invocations",
    ":generateContent",
    ":streamGenerateContent",
)
"""What a text that holds an endpoint of one of these contains."""
_DEPLOYMENT: Final = re.compile(
    r"(/(?:deployments|serving-endpoints|endpoints)/)([^/?]+)/(?=invocations|chat/completions|responses)"
)
"""Azure and Databricks name what answers in the path, whatever the body says."""


def format_of(sent: OutgoingRequest) -> WireFormat | None:
    """The format of a request to a model; None for any other request."""
    body = sent.json
    if body is None:
        return None
    path = sent.path.rstrip("/")
    return next((each for each in FORMATS if each.fits(path, body)), None)


def with_model(
    sent: OutgoingRequest, body: Mapping[str, Any], now: str | None, model: str
) -> OutgoingRequest:
    """The request for another model, named where it names ``now``: in its body, or in its path."""
    if _DEPLOYMENT.search(sent.url):
        url = _DEPLOYMENT.sub(lambda found: f"{found[1]}{quote(model, safe='')}/", sent.url, count=1)
        body = {**body, "model": model} if "model" in body else body
        return replace(sent.with_json(body), url=url)
    in_path = f"/{now}:"
    if "model" in body or now is None or in_path not in sent.url:
        return sent.with_json({**body, "model": model})
    return replace(sent.with_json(body), url=sent.url.replace(in_path, f"/{model}:"))

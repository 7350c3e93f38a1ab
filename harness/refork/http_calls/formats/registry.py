"""Finds the format of a request."""

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
"""Parts of URLs that show that a text is the address of an endpoint in one of these formats."""
_DEPLOYMENT: Final = re.compile(
    r"(/(?:deployments|serving-endpoints|endpoints)/)([^/?]+)/(?=invocations|chat/completions|responses)"
)
"""Finds the deployment in the paths of Azure and Databricks, which decides whatever the body says."""


def format_of(sent: OutgoingRequest) -> WireFormat | None:
    """Return the format of a request to a model; None for any other request."""
    body = sent.json
    if body is None:
        return None
    path = sent.path.rstrip("/")
    return next((each for each in FORMATS if each.fits(path, body)), None)


def with_model(
    sent: OutgoingRequest, body: Mapping[str, Any], now: str | None, model: str
) -> OutgoingRequest:
    """Return the request for another model. ``now`` is the model that its body or its path names."""
    if _DEPLOYMENT.search(sent.url):
        url = _DEPLOYMENT.sub(lambda found: f"{found[1]}{quote(model, safe='')}/", sent.url, count=1)
        body = {**body, "model": model} if "model" in body else body
        return replace(sent.with_json(body), url=url)
    in_path = f"/{now}:"
    if "model" in body or now is None or in_path not in sent.url:
        return sent.with_json({**body, "model": model})
    return replace(sent.with_json(body), url=sent.url.replace(in_path, f"/{model}:"))

"""Reads a request of a step's code to its model, and applies a variant to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from refork.http_calls.formats import Reading, WireFormat, format_of, with_model
from refork.http_calls.wire import OutgoingRequest, Received
from refork.prompts.candidates import render
from refork.prompts.offered_tools import offered_names
from refork.records import Request
from refork.records.variant import Variant


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request to a model: ``sent`` as it goes over HTTP, and ``request`` as it is read from that."""

    sent: OutgoingRequest
    format: WireFormat
    request: Request

    def tried(self, variant: Variant) -> "Asking":
        """Return the request with the variant's prompt, settings, tools and model.

        Raises TemplateError, and BadInputError for a tool that it does not offer.
        """
        body = self._body
        if variant.template is not None:
            text = render(variant, baseline=self.request.prompt, request=self.request)
            body = self.format.prompted(body, text)
        if variant.settings:
            body = self.format.configured(body, variant.settings)
        if variant.tools is not None:
            names = offered_names(variant, [tool.name for tool in self.request.tools])
            body = self.format.offering(body, names)
        sent = self.sent.with_json(body)
        if variant.model is not None:
            sent = with_model(self.sent, body, self.request.model, variant.model)
        asking = _read(sent, self.format, self.request.agent)
        if variant.model is None:
            return asking
        return replace(asking, request=replace(asking.request, model=variant.model))

    def read(self, answer: Received) -> Reading | None:
        """Return what a response contains; None for a failure, and for a response that is not a model's answer."""
        try:
            return self.format.read(answer) if answer.ok else None
        except Exception:  # a server may send whatever it likes
            return None

    @property
    def _body(self) -> Mapping[str, Any]:
        found = self.sent.json
        assert found is not None, "it is in a format"
        return found


def asking_of(sent: OutgoingRequest, agent: str | None) -> Asking | None:
    """Return a request to a model; None for any other request. ``agent`` is the agent that it belongs to."""
    found = format_of(sent)
    return None if found is None else _read(sent, found, agent)


def _read(sent: OutgoingRequest, found: WireFormat, agent: str | None) -> Asking:
    request = found.request(sent.path.rstrip("/"), sent.json or {})
    return Asking(sent=sent, format=found, request=replace(request, agent=agent))


def said_by(answer: Received) -> tuple[str, Any]:
    """Return the message of a failed response in one line, and its JSON."""
    try:
        body: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        return " ".join(answer.text.split())[:300], None
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or answer.text).split())[:300], body

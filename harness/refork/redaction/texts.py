"""Removes secrets from texts that leave a session: those that this process knows, and those with the form of one."""

from collections.abc import Sequence

from refork.redaction.detectors.secrets import secrets
from refork.redaction.detectors.spans import TextSpan, apart
from refork.redaction.process_secrets import HIDDEN, hidden


def without_secrets(text: str) -> str:
    """Return ``text`` without the secrets that this process knows, and without what has the form of one.

    A value of the environment is a secret where its name says so (``OPENAI_API_KEY``), or where it is the
    password in a URL. Short values and plain words are left alone.
    """
    text = hidden(text)
    return _without_spans(text, apart(list(secrets(text))))


def _without_spans(text: str, spans: Sequence[TextSpan]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += [text[at : span.start], HIDDEN]
        at = span.end
    return "".join([*parts, text[at:]])

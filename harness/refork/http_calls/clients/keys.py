"""Lets clients work without a key while a step is watched, because cached answers need none."""

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from refork.http_calls.watch import watch_here
from refork.redaction.process_secrets import hold

NO_KEY: Final = "refork-has-no-key"
"""The key of a client that could not have been made without one. It is never sent."""


@contextmanager
def patched() -> Generator[None]:
    """Let watched clients of anthropic send without a key, which they look for only then."""
    with ExitStack() as stack:
        anthropic: Any = sys.modules.get("anthropic")
        for name in ("Anthropic", "AsyncAnthropic"):
            kind = getattr(anthropic, name, None)
            if kind is not None and "_validate_headers" in vars(kind):
                stack.enter_context(_tolerant(kind))
        yield


@contextmanager
def _tolerant(kind: Any) -> Generator[None]:
    original: Callable[..., None] = kind.__dict__["_validate_headers"]

    def validate(self: Any, *args: Any, **options: Any) -> None:
        hold(getattr(self, "api_key", None), getattr(self, "auth_token", None))
        try:
            original(self, *args, **options)
        except TypeError:
            if watch_here() is None:
                raise

    kind._validate_headers = validate
    try:
        yield
    finally:
        kind._validate_headers = original

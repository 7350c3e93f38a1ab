"""Lets clients of the openai package be made without a key, because replays and cached answers need none."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Final

import openai

from refork.errors import ApplicationError, BadInputError
from refork.http_calls.clients.keys import NO_KEY
from refork.redaction.process_secrets import hold

_CLASSES: Final = ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")


@contextmanager
def made_without_key() -> Generator[None]:
    """Let an application make its clients without a key. Clients that log in without one do not change.

    Only a constructor that refuses because it has no key is called again, with a placeholder. No environment variable
    is set.
    """
    with ExitStack() as stack:
        for name in _CLASSES:
            stack.enter_context(_tolerant(getattr(openai, name)))
        yield


def check_key(client: Any) -> None:
    """Raise ApplicationError if a client has no key. Called before it sends a request."""
    hold(getattr(client, "api_key", None))
    if getattr(client, "api_key", None) == NO_KEY:
        raise ApplicationError("no key for the model: set OPENAI_API_KEY to make live calls")


def check_model_counts(client: Any, name: str) -> None:
    """Raise BadInputError if a client is bound to an Azure deployment, which answers whatever model is requested."""
    deployment = getattr(client, "_azure_deployment", None)
    if isinstance(deployment, str) and deployment != name:
        raise BadInputError(
            f"a variant asks for model {name!r}, but the client is made for the Azure deployment {deployment!r}, which "
            "answers whatever model is requested: leave azure_deployment out where the client is made, or 'model' "
            "out of the front matter"
        )


@contextmanager
def _tolerant(client_class: Any) -> Generator[None]:
    original: Callable[..., None] = client_class.__init__

    @wraps(original)
    def make(self: Any, *args: Any, **options: Any) -> None:
        try:
            original(self, *args, **options)
        except openai.OpenAIError:
            if options.get("api_key") is not None:
                raise
            original(self, *args, **{**options, "api_key": NO_KEY})
        hold(getattr(self, "api_key", None), getattr(self, "admin_api_key", None))

    client_class.__init__ = make
    try:
        yield
    finally:
        client_class.__init__ = original

"""Switches off LangSmith's runs, which LangChain sends if environment variables say so."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

_SWITCHES: Final = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


@contextmanager
def quiet_langsmith() -> Generator[None]:
    """Set the variables that switch LangSmith on to ``false``, if they are set."""
    before = {name: os.environ[name] for name in _SWITCHES if name in os.environ}
    os.environ.update(dict.fromkeys(before, "false"))
    _forget()
    try:
        yield
    finally:
        os.environ.update(before)
        _forget()


def _forget() -> None:
    """Clear LangSmith's cached copy of the environment."""
    utils: Any = sys.modules.get("langsmith.utils")
    with suppress(AttributeError):  # not imported, or a version that remembers nothing
        utils.get_env_var.cache_clear()

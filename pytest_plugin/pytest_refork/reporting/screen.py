"""Uses pytest's capturing where pytest itself captures nothing, and suspends it where we print."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def captured(config: pytest.Config) -> Generator[None]:
    """Keep output of the application off the screen, outside of tests."""
    captures = _captures(config)
    if captures is None:
        yield
        return
    captures.resume_global_capture()
    try:
        yield
    finally:
        captures.suspend_global_capture(in_=False)
        captures.read_global_capture()


@contextmanager
def uncaptured(config: pytest.Config) -> Generator[None]:
    """Let output reach the screen, inside of tests."""
    captures = _captures(config)
    if captures is None:
        yield
        return
    with captures.global_and_fixture_disabled():
        yield


def _captures(config: pytest.Config) -> Any:
    return config.pluginmanager.getplugin("capturemanager")

"""The options that say what a good run meets."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def expectation_options(function: F) -> F:
    """Add ``--expect`` and ``--check``, each repeatable."""
    function = click.option(
        "--check",
        metavar="MODULE:FUNCTION",
        multiple=True,
        help="A function of yours that takes the recorded run. It returns None or True if the run is fine, False, "
        "(failed, step, name), or a list of these.",
    )(function)
    return click.option(
        "--expect",
        metavar="YAML",
        multiple=True,
        help="What a good run meets: an entry of expect in case.yaml, such as 'tool_not_called: refund'. "
        "Of several, all must hold.",
    )(function)

"""Encodes the arguments of a step as a recorded run contains them."""

from typing import Any

from refork.errors import ValueNotPortableError
from refork.frameworks.protocol import StepCall
from refork.values import encode


def with_id(value: Any, fork: str, run: str) -> Any:
    """Return an encoded value with the fork's id replaced by the run's, because a step may get its workflow's id."""
    if isinstance(value, str):
        return value.replace(fork, run)
    if isinstance(value, list):
        return [with_id(each, fork, run) for each in value]
    if isinstance(value, dict):
        return {key: with_id(each, fork, run) for key, each in value.items()}
    return value


def encoded_arguments(step: StepCall) -> Any:
    """Return a step's arguments as a recorded run contains them; None if they cannot become JSON."""
    try:
        return {name: encode(value) for name, value in step.arguments.items()}
    except ValueNotPortableError:
        return None

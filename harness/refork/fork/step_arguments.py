"""The arguments of a step as a recorded run holds them."""

from typing import Any

from refork.errors import ValueNotPortableError
from refork.frameworks.protocol import StepCall
from refork.values import encode


def with_id(value: Any, fork: str, run: str) -> Any:
    """An encoded value in which the fork's id is the run's: a step may be given the id of its workflow."""
    if isinstance(value, str):
        return value.replace(fork, run)
    if isinstance(value, list):
        return [with_id(each, fork, run) for each in value]
    if isinstance(value, dict):
        return {key: with_id(each, fork, run) for key, each in value.items()}
    return value


def encoded_arguments(step: StepCall) -> Any:
    """What a step is called with, as a recorded run holds it; None where that cannot become JSON."""
    try:
        return {name: encode(value) for name, value in step.arguments.items()}
    except ValueNotPortableError:
        return None

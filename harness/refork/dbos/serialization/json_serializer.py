"""Serializes the values in the evals database as plain JSON, never as pickles."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import dbos._serialization as dbos_serialization
from dbos import Serializer

from refork import values
from refork.dbos.serialization.dbos_values import register_dbos_values
from refork.dbos.serialization.portable_json import register_error
from refork.errors import SessionError, ValueNotPortableError
from refork.records import Step
from refork.redaction.error_text import text_of
from refork.text.lines import one_line
from refork.values import RecordedException

NAME = "refork_json"
register_error()
register_dbos_values()


class JsonSerializer(Serializer):
    """DBOS's serializer interface over :mod:`refork.values`."""

    def serialize(self, data: Any) -> str:
        return values.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        return values.loads(serialized_data)

    def name(self) -> str:
        return NAME


def recorded_result(step: Step) -> dict[str, Any]:
    """Return a recorded step as DBOS's ``RecordedResult``."""
    output, error = result_of(step)
    return {
        "output": output,
        "error": error,
        "serialization": NAME,
        "child_workflow_id": step.child_run,
        "child_shard_key": None,
    }


def result_of(step: Step) -> tuple[str | None, str | None]:
    """Return the output and the error of a recorded step, as :class:`JsonSerializer` writes them."""
    if step.error is None:
        return json.dumps(step.output), None
    if step.error.value is not None:
        return None, json.dumps(step.error.value)
    return None, json.dumps(values.encode(RecordedException(step.error.type, step.error.message)))


def error_text(serialized: str) -> str:
    """Return an exception that :class:`JsonSerializer` wrote as one line: its class's name and its message."""
    try:
        error = values.loads(serialized)
    except ValueNotPortableError:
        return one_line(serialized, 200)
    name = (
        error.type_name.rsplit(".", 1)[-1] if isinstance(error, RecordedException) else type(error).__name__
    )
    message = error.message if isinstance(error, RecordedException) else text_of(error)
    return one_line(f"{name}: {message}", 200)


@contextmanager
def pickle_refused() -> Generator[None]:
    """Reject pickled rows inside the block: DBOS unpickles any row that is marked as pickled, whatever serializer
    is set.
    """
    default: Any = dbos_serialization.DBOSDefaultSerializer

    def refuse(_serialized: str) -> Any:
        raise SessionError("the evals database holds a pickled value; it is not one of ours: delete it")

    default.deserialize = refuse
    try:
        yield
    finally:
        del default.deserialize

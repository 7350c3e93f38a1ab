"""How the evals database holds values: plain JSON, never pickle."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dbos._serialization as dbos_serialization
from dbos import Serializer

from refork import values
from refork.engine import portable as portable  # registers the error that a replayed step may raise
from refork.errors import SessionError

NAME = "refork_json"


class JsonSerializer(Serializer):
    """DBOS's serializer interface over :mod:`refork.values`."""

    def serialize(self, data: Any) -> str:
        return values.dumps(data)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - DBOS declares it so
        return values.loads(serialized_data)

    def name(self) -> str:
        return NAME


@contextmanager
def pickle_refused() -> Iterator[None]:
    """Refuse pickled rows while it lasts: DBOS unpickles what a row calls pickled, whatever serializer is set."""
    default: Any = dbos_serialization.DBOSDefaultSerializer

    def refuse(_serialized: str) -> Any:
        raise SessionError("the evals database holds a pickled value; it is not one of ours: delete it")

    default.deserialize = refuse
    try:
        yield
    finally:
        del default.deserialize

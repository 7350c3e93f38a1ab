"""A workflow without a framework that uses all of DBOS, and values of every kind. Copied into projects."""

import dataclasses
import enum
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
from dbos import DBOS
from pydantic import BaseModel
from refork import values


class Colour(enum.Enum):
    RED = "red"


class Sample(BaseModel):
    name: str
    at: datetime


@dataclasses.dataclass
class Tube:
    colour: Colour
    volume: Decimal


class Opaque:
    """Nobody registered it."""


def register() -> None:
    values.register(Colour)
    values.register(Sample)
    values.register(Tube)
    values.register(
        np.ndarray, encode=lambda a: [str(a.dtype), a.tolist()], decode=lambda d: np.array(d[1], d[0])
    )
    values.register(pd.DataFrame, encode=lambda f: f.to_dict("list"), decode=pd.DataFrame)


@DBOS.step()
def measure() -> dict[str, object]:
    return {
        "array": np.array([[1.5, 2.0]]),
        "frame": pd.DataFrame({"n": [1, 2]}),
        "tube": Tube(Colour.RED, Decimal("1.10")),
        "sample": Sample(name="a", at=datetime(2026, 11, 23, tzinfo=UTC)),
        "plain": (date(2026, 1, 2), timedelta(seconds=3), UUID(int=7), {1, 2}, b"\x00"),
    }


attempts = 0


@DBOS.step(retries_allowed=True, max_attempts=3, interval_seconds=0.01)
def flaky() -> int:
    global attempts  # noqa: PLW0603 - as applications do
    attempts += 1
    if attempts < 3:
        raise ConnectionError("again")
    return attempts


@DBOS.step()
def opaque() -> Opaque:
    return Opaque()


@DBOS.step()
def last() -> str:
    return "done"


@DBOS.workflow()
def helper(amount: int) -> int:
    return amount + 1


@DBOS.workflow()
def everything(tube: Tube) -> str:
    measure()
    flaky()
    DBOS.sleep(0.01)
    DBOS.set_event("state", {"colour": Colour.RED})
    DBOS.write_stream("log", "one")
    DBOS.close_stream("log")
    DBOS.recv("orders", timeout_seconds=5)
    helper(3)
    said = last()
    opaque()
    return said

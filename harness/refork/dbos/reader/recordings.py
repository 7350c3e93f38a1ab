"""The values that are read from a production database. Imports nothing slow, so the command line can use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refork.records import RecordedError, Run
    from refork.records.usage import Usage

DATABASE_VARIABLE: Final = "DBOS_SYSTEM_DATABASE_URL"
"""The environment variable with the database to read if none is given. DBOS uses the same one."""

STATUSES: Final = (
    "PENDING",
    "SUCCESS",
    "ERROR",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
    "CANCELLED",
    "ENQUEUED",
    "DELAYED",
)
"""All statuses that DBOS gives a run."""

ACTIVE: Final = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""The statuses of a run that is still in progress."""


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A mark on a bad run. ``step`` is a step's number or its agent's name, None for the whole run."""

    reason: str
    step: int | str | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in a list. ``steps`` is their number; ``usage`` is None if no framework can tell it."""

    id: str
    workflow: str
    status: str
    created_at: datetime | None
    steps: int
    usage: "Usage | None" = None
    error: "RecordedError | None" = None
    flags: Sequence[Flag] = ()


@dataclass(frozen=True, kw_only=True)
class Match:
    """A run that a search found, before its steps are read."""

    id: str
    workflow: str
    status: str
    error: "RecordedError | None" = None
    flags: Sequence[Flag] = ()


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The reason why a value of a run is missing, in one line. ``step`` is None for the run's own input.

    ``types`` are those of the value that could be written if they were registered.
    """

    step: int | None
    message: str
    types: tuple[type, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A run, and the problems with values that could not be read or have no JSON form.

    Such a value is replaced by an object tagged ``not_portable``, which no registry decodes. It has the value's
    ``type``, the ``problem``, and for people its ``text``, or None.
    """

    run: "Run"
    problems: Sequence[Problem] = ()

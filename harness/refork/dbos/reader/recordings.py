"""What is read out of a production database. Imports nothing heavy, so that the command line can name it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from refork.records import RecordedError, Run
    from refork.records.usage import Usage

DATABASE_VARIABLE: Final = "DBOS_SYSTEM_DATABASE_URL"
"""Names the database to read where nobody else does, as it does for DBOS."""

STATUSES: Final = (
    "PENDING",
    "SUCCESS",
    "ERROR",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED",
    "CANCELLED",
    "ENQUEUED",
    "DELAYED",
)
"""Every status that DBOS gives a run."""

ACTIVE: Final = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""The statuses of a run that is still in progress."""


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Why a run was called bad. ``step`` is a step's number or its agent's name, None for the whole run."""

    reason: str
    step: int | str | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One line about a run. ``steps`` is their number; ``usage`` is None where no framework knows them."""

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
    """A run that a search found, before anything of its steps is read."""

    id: str
    workflow: str
    status: str
    error: "RecordedError | None" = None
    flags: Sequence[Flag] = ()


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a value of a run is not in it, in one line. ``step`` is None for the run's own input.

    ``types`` are those of the value that could be written if they were registered.
    """

    step: int | None
    message: str
    types: tuple[type, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A run, and what of it could not be read or written as JSON.

    In place of such a value stands an object tagged ``not_portable``, which no registry decodes: its
    ``type``, the ``problem``, and for people its ``text``, None where there is none.
    """

    run: "Run"
    problems: Sequence[Problem] = ()

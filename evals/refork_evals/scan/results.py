"""The results of a scan: how many runs fail, when, in which version, and what failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Share:
    """The runs of one day, or of one version of the application, and how many of them fail."""

    name: str
    runs: int
    failing: int


@dataclass(frozen=True, kw_only=True)
class Example:
    """The newest run of a group. ``step`` is the step at which it failed; None if that is not known.

    ``reason`` quotes what was recorded, without secrets; it is not escaped for a terminal.
    """

    run: str
    step: int | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs that failed alike.

    ``name`` can name a case, ``what`` is the expectation in one line, the name that a check gave, or the error of the
    run. ``where`` is the agent or tool of the step at which they failed, None if there are several or none is known.
    ``runs`` are their ids, the newest first. ``expect`` is what a case of the group expects, as in ``case.yaml``.
    """

    name: str
    what: str
    workflow: str
    where: str | None
    runs: tuple[str, ...]
    example: Example
    first_at: datetime | None = None
    last_at: datetime | None = None
    expect: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The runs that fail. ``runs`` were scored; ``unscored`` could not be, of which ``unscored_why`` says why
    for one of them; ``in_progress`` had not ended.

    ``days`` are UTC, ISO dates, the oldest first; ``versions`` are DBOS's application versions, the one seen last
    first; ``groups`` begin with the largest.
    """

    runs: int = 0
    failing: int = 0
    unscored: int = 0
    unscored_why: str = ""
    in_progress: int = 0
    days: tuple[Share, ...] = ()
    versions: tuple[Share, ...] = ()
    groups: tuple[Group, ...] = field(default=())

"""The protocol of a check of a recorded run, and what it finds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from refork.records import Run, Step


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a run fails. Runs with the same ``what`` at steps of the same ``where`` are one group.

    ``name`` is the beginning of a case's name. ``explain`` gives the reason in words of a run, such as this one
    without its secrets; None if ``what`` says it all.
    """

    what: str
    name: str
    step: Step | None = None
    where: str | None = None
    expect: tuple[Mapping[str, Any], ...] = ()
    explain: "Callable[[Run], Awaitable[str]] | None" = None


class NotScoredError(Exception):
    """A check cannot decide about a run. The message says why in one line."""


class RunCheck(Protocol):
    """Checks one recorded run."""

    async def problems(self, run: Run) -> Sequence[Problem]:
        """Return why the run fails, nothing if it does not. Raises NotScoredError."""
        ...


async def checked(run: Run, checks: Sequence[RunCheck]) -> Sequence[Problem] | str:
    """The faults of a run; without any, the reason why it could not be scored, if it could not."""
    found: list[Problem] = []
    unknown: str | None = None
    for check in checks:
        try:
            found += await check.problems(run)
        except NotScoredError as error:
            unknown = unknown or str(error)
    return unknown if unknown is not None and not found else found

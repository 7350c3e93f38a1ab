"""The hooks behind the calls of production code. They are set while runs are evaluated, and empty in production."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from refork.records.usage import Usage
    from refork.records.variant import Variant


class ActiveSession(Protocol):
    """A session as the application's calls see it. Its methods are called in the fork in which the application
    runs.
    """

    def variant(self, name: str, /) -> "Variant | None":
        """Return the candidate that the calling fork tries for this prompt; None for the application's own."""
        ...

    def rendered(self, name: str, text: str, variables: Mapping[str, Any], /) -> None:
        """Called for every prompt that was rendered, with its variables, before the application receives it."""
        ...

    def used(self, usage: "Usage", model: str | None, /) -> None:
        """Called with the tokens that a step reports."""
        ...


evaluation: ActiveSession | None = None
"""The active session; None if none is open."""


def run_here() -> tuple[str, int | None] | None:
    """Return the run that the calling code belongs to and, within a step, that step's number. None outside of runs."""
    dbos: Any = sys.modules.get("dbos")
    if dbos is None:  # not imported, so nothing of it runs
        return None
    run_id = dbos.DBOS.workflow_id
    return None if not run_id else (run_id, dbos.DBOS.step_id)

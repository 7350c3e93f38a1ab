"""What stands behind the calls of production code while runs are evaluated: nothing in production."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from refork.records.usage import Usage
    from refork.records.variant import Variant


class ActiveSession(Protocol):
    """A session, as the application's calls see it. Called in the fork that the application runs in."""

    def variant(self, name: str, /) -> "Variant | None":
        """The candidate that the calling fork tries for this prompt; None for the application's own."""
        ...

    def rendered(self, name: str, text: str, variables: Mapping[str, Any], /) -> None:
        """Told of every prompt that was rendered, with its variables, before the application has it."""
        ...

    def used(self, usage: "Usage", model: str | None, /) -> None:
        """Told of the tokens that a step reports."""
        ...


evaluation: ActiveSession | None = None
"""Set while a session is open."""


def run_here() -> tuple[str, int | None] | None:
    """The run that the calling code belongs to, and within a step that step's number. None outside of runs."""
    dbos: Any = sys.modules.get("dbos")
    if dbos is None:  # not imported, so nothing of it runs
        return None
    run_id = dbos.DBOS.workflow_id
    return None if not run_id else (run_id, dbos.DBOS.step_id)

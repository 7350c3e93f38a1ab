"""Encodes values of DBOS's own classes, which its look-ups return to a workflow, as plain JSON."""

from functools import cache
from typing import Any, Final

from dbos import WorkflowStatus

from refork import values

_NAME: Final = "dbos.WorkflowStatus"


@cache
def register_dbos_values() -> None:
    """Register the results of ``DBOS.get_workflow_status`` and ``DBOS.list_workflows``, to be written and read in a
    replay.
    """
    values.register(WorkflowStatus, name=_NAME, encode=_attributes, decode=_with_attributes)


def _attributes(status: WorkflowStatus) -> dict[str, Any]:
    return dict(vars(status))


def _with_attributes(attributes: Any) -> WorkflowStatus:
    status = WorkflowStatus.__new__(WorkflowStatus)
    status.__dict__.update(attributes)
    return status

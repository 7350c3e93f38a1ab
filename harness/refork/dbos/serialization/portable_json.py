"""Restores what DBOS's portable JSON changes in errors and loses in arguments."""

import json
from typing import Any

import dbos._dbos as dbos_module
from dbos._registrations import get_func_info
from dbos._serialization import PortableWorkflowError, WorkflowInputs, coerce_portable_args_to_hints

from refork import values


def register_error() -> None:
    """Make a replayed step raise the error that DBOS itself would raise for it."""
    values.register(
        PortableWorkflowError,
        name="dbos.PortableWorkflowError",
        encode=lambda error: [error.message, error.name, error.code, error.data],
        decode=lambda parts: PortableWorkflowError(*parts),
    )


def portable_error(text: str) -> PortableWorkflowError:
    data = json.loads(text)
    return PortableWorkflowError(data["message"], data["name"], data.get("code"), data.get("data"))


def as_hinted(
    workflow: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments as DBOS passes them to the workflow: with dates according to its type hints, if it is
    imported.
    """
    registry = dbos_module._dbos_global_registry
    function = None if registry is None else registry.workflow_info_map.get(workflow)
    if function is None:
        return args, kwargs
    known = get_func_info(function)
    if known is not None and known.validate_args is not None:
        # It validates them itself whenever it starts, in a fork too.
        return args, kwargs
    found = coerce_portable_args_to_hints(function, WorkflowInputs(args=args, kwargs=kwargs))
    return found["args"], found["kwargs"]

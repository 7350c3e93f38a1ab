"""Writes a recorded run into the evals database, as if it had run there up to its fork point.

This release of DBOS has no import of a workflow, so the rows are written directly: ``workflow_status``,
``workflow_input`` and ``operation_outputs``. A contract test fails loudly when these tables change.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from refork.dbos.evals_database.outages import retried
from refork.dbos.evals_database.table_definitions import GET_RESULT, tables_of
from refork.dbos.serialization.json_serializer import NAME, result_of
from refork.records import Run, Step
from refork.values import decode, dumps

SUCCESS: Final = "SUCCESS"


def seed_id(run: Run, *, below: int) -> str:
    """Return the id of a seeded run: the same run seeded up to the same step has the same one."""
    content = json.dumps(
        [
            run.id,
            run.workflow,
            below,
            run.args,
            run.kwargs,
            [[s.number, s.name, s.output] for s in run.steps],
        ],
        sort_keys=True,
        default=str,
    )
    return f"case-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


@retried
def seed(system_database: Any, run: Run, *, below: int, application: str, version: str) -> str:
    """Write the run with its steps below ``below``, and return the workflow id to fork from. Writes nothing twice."""
    tables = tables_of(system_database)
    source = seed_id(run, below=below)
    prefix = [step for step in run.steps if step.number < below]
    with system_database.engine.begin() as connection:
        if _exists(connection, tables.workflow_status, source):
            return source
        now = int(time.time() * 1000)
        common = {"application_name": application, "application_version": version}
        _insert(connection, tables.workflow_status, [_status_row(run, source, now) | common])
        inputs = {"workflow_uuid": source, "inputs": _inputs(run), "retention_timestamp": now}
        _insert(connection, tables.workflow_input, [inputs])
        rows = [_step_row(step, source, now) | {"application_name": application} for step in prefix]
        _insert(connection, tables.operation_outputs, rows)
        # Those after the fork point too: a tail may ask for them.
        for child in run.steps:
            _seed_child(connection, tables, child, now, common)
    return source


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the columns that this version of DBOS has."""
    if rows:
        known = [{name: value for name, value in row.items() if name in table.c} for row in rows]
        connection.execute(sa.insert(table), known)


def _exists(connection: sa.Connection, table: sa.Table, run_id: str) -> bool:
    return (
        connection.scalar(sa.select(table.c.workflow_uuid).where(table.c.workflow_uuid == run_id)) is not None
    )


def _status_row(run: Run, run_id: str, now: int) -> dict[str, Any]:
    roles = None if run.authenticated_roles is None else json.dumps(list(run.authenticated_roles))
    return {
        "workflow_uuid": run_id,
        "status": SUCCESS,
        "name": run.workflow,
        "class_name": run.class_name,
        "config_name": run.config_name,
        "authenticated_user": run.authenticated_user,
        "authenticated_roles": roles,
        "assumed_role": run.assumed_role,
        "created_at": now,
        "updated_at": now,
        "recovery_attempts": 0,
        "priority": 0,
        "was_forked_from": False,
        "rate_limited": False,
        "is_debounced": False,
        "serialization": NAME,
    }


def _inputs(run: Run) -> str:
    args = tuple(decode(arg) for arg in run.args)
    return dumps({"args": args, "kwargs": {name: decode(value) for name, value in run.kwargs.items()}})


def _step_row(step: Step, run_id: str, now: int) -> dict[str, Any]:
    # A step that started a child workflow has neither output nor error in DBOS's own rows.
    starts_child = step.child_run is not None and step.name != GET_RESULT
    output, error = result_of(step)
    return {
        "workflow_uuid": run_id,
        "function_id": step.number,
        "function_name": step.name,
        "output": None if starts_child else output,
        "error": error,
        "child_workflow_id": step.child_run,
        "started_at_epoch_ms": now,
        "completed_at_epoch_ms": now,
        "serialization": NAME,
        "retention_timestamp": now,
    }


def _seed_child(connection: sa.Connection, tables: Any, step: Step, now: int, common: dict[str, str]) -> None:
    """Write a child workflow as far as its parent can see it: its id and its result."""
    if step.name != GET_RESULT or step.child_run is None:
        return
    if _exists(connection, tables.workflow_status, step.child_run):
        return
    output, error = result_of(step)
    child = Run(id=step.child_run, workflow="recorded child", status=SUCCESS)
    row = _status_row(child, step.child_run, now) | common | {"status": "ERROR" if error else SUCCESS}
    _insert(connection, tables.workflow_status, [row])
    result = {
        "workflow_uuid": step.child_run,
        "output": output,
        "error": error,
        "retention_timestamp": now,
    }
    _insert(connection, tables.workflow_output, [result])

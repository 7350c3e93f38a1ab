"""The SELECTs that a production database is asked, over DBOS's own definitions of its tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from dbos._schemas.system_database import SystemSchema

from refork.engine.reading_marks import flagged as has_flag

Query: TypeAlias = Any
"""A SELECT. SQLAlchemy types it by its columns, of which there are too many to write out."""

_status = SystemSchema.workflow_status.c
_input = SystemSchema.workflow_input.c
_output = SystemSchema.workflow_output.c
_steps = SystemSchema.operation_outputs.c


def _error_column() -> sa.ColumnElement[str]:
    return sa.func.coalesce(_output.error, _status.error).label("error")


def listed(
    statuses: Sequence[str],
    workflow: str | None,
    since: datetime | None,
    limit: int | None,
    *,
    flagged: bool = False,
) -> Query:
    query = (
        sa.select(
            _status.workflow_uuid.label("id"),
            _status.name,
            _status.status,
            _status.created_at,
            _status.serialization,
            _status.attributes,
            _error_column(),
        )
        .outerjoin(SystemSchema.workflow_output, _output.workflow_uuid == _status.workflow_uuid)
        .order_by(_status.created_at.desc(), _status.workflow_uuid)
        .limit(limit)
    )
    if statuses:
        query = query.where(_status.status.in_(statuses))
    if flagged:
        query = query.where(has_flag(_status.attributes))
    if workflow is not None:
        query = query.where(_status.name == workflow)
    if since is not None:
        query = query.where(_status.created_at >= int(since.timestamp() * 1000))
    return query


def step_names(ids: list[str]) -> Query:
    return (
        sa.select(_steps.workflow_uuid, _steps.function_id, _steps.function_name)
        .where(_steps.workflow_uuid.in_(ids))
        .order_by(_steps.workflow_uuid, _steps.function_id)
    )


def all_steps(run_id: str) -> Query:
    return (
        sa.select(
            _steps.function_id,
            _steps.function_name,
            _steps.output,
            _steps.error,
            _steps.child_workflow_id,
            _steps.started_at_epoch_ms,
            _steps.completed_at_epoch_ms,
            _steps.serialization,
        )
        .where(_steps.workflow_uuid == run_id)
        .order_by(_steps.function_id)
    )


def step_errors(run_id: str) -> Query:
    return (
        sa.select(_steps.function_name, _steps.error, _steps.serialization)
        .where(_steps.workflow_uuid == run_id, _steps.error.is_not(None))
        .order_by(_steps.function_id)
    )


def whole(run_id: str) -> Query:
    """A run's row with its payload, wherever this version of DBOS put it."""
    plain = (
        _status.workflow_uuid,
        _status.name,
        _status.status,
        _status.class_name,
        _status.config_name,
        _status.application_name,
        _status.application_version,
        _status.authenticated_user,
        _status.authenticated_roles,
        _status.assumed_role,
        _status.created_at,
        _status.completed_at,
        _status.serialization,
        _status.attributes,
    )
    payload = (
        sa.func.coalesce(_input.inputs, _status.inputs).label("inputs"),
        sa.func.coalesce(_output.output, _status.output).label("output"),
        _error_column(),
    )
    return (
        sa.select(*plain, *payload)
        .outerjoin(SystemSchema.workflow_input, _input.workflow_uuid == _status.workflow_uuid)
        .outerjoin(SystemSchema.workflow_output, _output.workflow_uuid == _status.workflow_uuid)
        .where(_status.workflow_uuid == run_id)
    )


def ids_like(run: str) -> Query:
    """Ids that begin with ``run``, the newest first. SQLite's LIKE takes capitals for small letters."""
    begins = _status.workflow_uuid.startswith(run, autoescape=True)
    return newest_ids().where(begins)


def newest_ids() -> Query:
    return sa.select(_status.workflow_uuid).order_by(_status.created_at.desc())


def outputs(run_id: str, numbers: Sequence[int]) -> Query:
    """The outputs of a run's steps from the first of ``numbers`` to the last, and others between them."""
    return sa.select(_steps.function_id, _steps.output, _steps.serialization).where(
        _steps.workflow_uuid == run_id, _steps.function_id.between(min(numbers), max(numbers))
    )

"""The SELECTs on a production database, for the tables and columns of DBOS that it has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from refork.dbos.reader.flags_and_usage import flagged as has_flag
from refork.dbos.reader.tables import Columns, table_of

Query: TypeAlias = Any
"""A SELECT. SQLAlchemy types it by its columns, which are too many to write out."""


class Queries:
    """The SELECTs over the columns that a database has. Missing columns are NULL."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._tables = {name: table_of(name) for name in columns}

    def _column(self, table: str, name: str) -> Any:
        known = name in self._columns.get(table, ())
        return self._tables[table].c[name] if known else sa.null().label(name)

    def _status(self, name: str) -> Any:
        return self._column("workflow_status", name)

    def _steps(self, name: str) -> Any:
        return self._column("operation_outputs", name)

    def _payload(self, table: str, name: str) -> Any:
        """Return the column of a value, which is in a table of its own or, in older versions, in the run's row."""
        found = [
            self._column(each, name)
            for each in (table, "workflow_status")
            if name in self._columns.get(each, ())
        ]
        if not found:
            return sa.null().label(name)
        return (sa.func.coalesce(*found) if len(found) > 1 else found[0]).label(name)

    def _with(self, query: Query, *tables: str) -> Query:
        """Join with those of these tables that exist."""
        own = self._status("workflow_uuid")
        for name in tables:
            if name in self._tables:
                table = self._tables[name]
                query = query.outerjoin(table, table.c.workflow_uuid == own)
        return query

    def listed(
        self,
        statuses: Sequence[str],
        workflow: str | None,
        since: datetime | None,
        limit: int | None,
        *,
        flagged: bool = False,
        ids: Sequence[str] | None = None,
    ) -> Query:
        columns = sa.select(
            self._status("workflow_uuid").label("id"),
            self._status("name"),
            self._status("status"),
            self._status("created_at"),
            self._status("serialization"),
            self._status("attributes"),
            self._payload("workflow_output", "error"),
        )
        query = (
            self._with(columns, "workflow_output")
            .order_by(self._status("created_at").desc(), self._status("workflow_uuid"))
            .limit(limit)
        )
        if statuses:
            query = query.where(self._status("status").in_(statuses))
        if flagged:
            query = query.where(has_flag(self._status("attributes")))
        if ids is not None:
            query = query.where(self._status("workflow_uuid").in_([*ids]))
        return self._narrowed(query, workflow, since)

    def ids(self, workflow: str | None, since: datetime | None) -> Query:
        """Ids and statuses, the newest first."""
        own = self._status("workflow_uuid")
        query = sa.select(own, self._status("status")).order_by(self._status("created_at").desc(), own)
        return self._narrowed(query, workflow, since)

    def _narrowed(self, query: Query, workflow: str | None, since: datetime | None) -> Query:
        if workflow is not None:
            query = query.where(self._status("name") == workflow)
        if since is not None:
            query = query.where(self._status("created_at") >= int(since.timestamp() * 1000))
        return query

    def step_names(self, ids: list[str]) -> Query:
        return (
            sa.select(self._steps("workflow_uuid"), self._steps("function_id"), self._steps("function_name"))
            .where(self._steps("workflow_uuid").in_(ids))
            .order_by(self._steps("workflow_uuid"), self._steps("function_id"))
        )

    def all_steps(self, run_id: str) -> Query:
        own = self._steps("workflow_uuid")
        return sa.select(*self._step_columns()).where(own == run_id).order_by(self._steps("function_id"))

    def steps_of(self, ids: list[str]) -> Query:
        """All steps of these runs, each behind the id of its run, and those of one run in a row."""
        own = self._steps("workflow_uuid")
        columns = sa.select(own, *self._step_columns())
        return columns.where(own.in_(ids)).order_by(own, self._steps("function_id"))

    def _step_columns(self) -> tuple[Any, ...]:
        return (
            self._steps("function_id"),
            self._steps("function_name"),
            self._steps("output"),
            self._steps("error"),
            self._steps("child_workflow_id"),
            self._steps("started_at_epoch_ms"),
            self._steps("completed_at_epoch_ms"),
            self._steps("serialization"),
        )

    def step_errors(self, run_id: str) -> Query:
        return (
            sa.select(self._steps("function_name"), self._steps("error"), self._steps("serialization"))
            .where(self._steps("workflow_uuid") == run_id, self._steps("error").is_not(None))
            .order_by(self._steps("function_id"))
        )

    def whole(self, ids: list[str]) -> Query:
        """The rows of these runs with their payload, wherever this version of DBOS put it."""
        plain = (
            self._status("workflow_uuid"),
            self._status("name"),
            self._status("status"),
            self._status("class_name"),
            self._status("config_name"),
            self._status("application_name"),
            self._status("application_version"),
            self._status("authenticated_user"),
            self._status("authenticated_roles"),
            self._status("assumed_role"),
            self._status("created_at"),
            self._status("completed_at"),
            self._status("serialization"),
            self._status("attributes"),
        )
        payload = (
            self._payload("workflow_input", "inputs"),
            self._payload("workflow_output", "output"),
            self._payload("workflow_output", "error"),
        )
        query = self._with(sa.select(*plain, *payload), "workflow_input", "workflow_output")
        return query.where(self._status("workflow_uuid").in_(ids))

    def inputs_of(self, ids: list[str]) -> Query:
        """Select the arguments of these runs."""
        columns = sa.select(
            self._status("workflow_uuid").label("id"),
            self._payload("workflow_input", "inputs"),
            self._status("serialization"),
        )
        return self._with(columns, "workflow_input").where(self._status("workflow_uuid").in_(ids))

    def ids_like(self, run: str) -> Query:
        """Select ids that begin with ``run``, newest first. SQLite's LIKE ignores the case of letters."""
        begins = self._status("workflow_uuid").startswith(run, autoescape=True)
        return self.newest_ids().where(begins)

    def newest_ids(self) -> Query:
        return sa.select(self._status("workflow_uuid")).order_by(self._status("created_at").desc())

    def outputs(self, run_id: str, numbers: Sequence[int]) -> Query:
        """Select the outputs of a run's steps from the first to the last of ``numbers``, including others between
        them.
        """
        return sa.select(
            self._steps("function_id"), self._steps("output"), self._steps("serialization")
        ).where(
            self._steps("workflow_uuid") == run_id,
            self._steps("function_id").between(min(numbers), max(numbers)),
        )

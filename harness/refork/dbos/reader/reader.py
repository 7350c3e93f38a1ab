"""Reads the runs of a production database, and never writes to it.

A run is taken in two steps: :meth:`Reader.fetch` copies its rows, and :meth:`FetchedRun.decode` makes values
of them once the database is closed. So the application, which may have to be imported to unpickle a value,
is never imported while a transaction is open, and no writer waits for it.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate, groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, Self

from refork.dbos.reader.connect import read_only
from refork.dbos.reader.decode import (
    StepRow,
    at,
    decode_head,
    decode_steps,
    framework_of,
    model_steps,
    starts_child,
    usages,
)
from refork.dbos.reader.flags_and_usage import flags_of, reported_usage, with_reported_usage
from refork.dbos.reader.queries import Queries
from refork.dbos.reader.recordings import STATUSES, Flag, Match, Problem, Recording, RunSummary
from refork.dbos.reader.spool import Held, Spool
from refork.dbos.reader.tables import readable_columns, schema_of
from refork.dbos.reader.values import read_error, reading_values
from refork.errors import BadInputError, RunNotFoundError, ValueNotPortableError
from refork.records import RecordedError, Run, Step
from refork.text.lines import nearest, one_line

CHUNK: Final = 500
"""Runs whose steps are read by one query, because databases limit the number of parameters."""
AT_A_TIME: Final = 8
"""Rows that are held at once while a run is copied: each may hold megabytes."""
MANY_AT_A_TIME: Final = 64
"""The same while many runs are copied, whose steps are small as a rule: each such portion is a message."""
_NEAREST_OF: Final = 1000


@dataclass(frozen=True, kw_only=True)
class FetchedRun:
    """The rows of one run, as they are in the database. Those of its steps may be in a temporary file."""

    status: Any
    rows: Spool[StepRow] | Held[StepRow]
    names: Sequence[str]
    children: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def flags(self) -> Sequence[Flag]:
        """The reasons why production code flagged the run."""
        return flags_of(self.status.attributes)

    @property
    def has_model_steps(self) -> bool:
        """True if a framework made the run, so that it contains model calls."""
        return framework_of(self.names) is not None

    @property
    def replay_bytes(self) -> int:
        """The approximate memory of a replay in bytes: all steps, and for each model call what went before."""
        models = model_steps(self.names)
        first = min(models, default=0)
        before = accumulate(self.rows.sizes[first:])
        return self.rows.bytes + sum(size for at, size in enumerate(before, first) if at in models)

    def decode(self) -> Recording:
        """Return the run with its values as JSON, and the problems with those that could not be read or written."""
        head = self.head()
        with reading_values():
            found = [*self._decoded()]
        problems = [*head.problems, *(problem for _, problem in found if problem is not None)]
        return Recording(run=replace(head.run, steps=tuple(step for step, _ in found)), problems=problems)

    def head(self) -> Recording:
        """Return the run without its steps."""
        with reading_values():
            return decode_head(self.status, self.names)

    def steps(self) -> Iterator[tuple[Step, Problem | None]]:
        """Yield the steps one after the other, each with the problem of its value, if any."""
        decoded = self._decoded()
        while True:
            # Nobody else's output may go astray between two steps.
            with reading_values():
                found = next(decoded, None)
            if found is None:
                return
            yield found

    def _decoded(self) -> Iterator[tuple[Step, Problem | None]]:
        for step, problem in decode_steps(self.rows, self.names, self.children):
            yield with_reported_usage(step, self.status.attributes), problem

    def close(self) -> None:
        self.rows.close()


class Reader:
    """A DBOS system database, open for one read-only transaction while its ``with`` block lasts.

    ``url`` is one of SQLite, Postgres or Lakebase. Entering raises BadInputError and DatabaseError.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._connection = self._stack.enter_context(read_only(self._url))
        self._queries = Queries(readable_columns(self._connection, schema_of(self._connection)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def runs(
        self,
        *,
        status: Sequence[str] = (),
        workflow: str | None = None,
        since: datetime | None = None,
        limit: int | None = 20,
        flagged: bool = False,
    ) -> Sequence[RunSummary]:
        """List runs, newest first. Raises BadInputError for a status that DBOS does not have."""
        rows = self._rows(self._queries.listed(_known(status), workflow, since, limit, flagged=flagged))
        found: list[RunSummary] = []
        for start in range(0, len(rows), CHUNK):
            found += self._summaries(rows[start : start + CHUNK])
        return found

    def summaries(self, ids: Sequence[str]) -> Sequence[RunSummary]:
        """List the runs with these ids, newest first. Those that are no longer there are left out."""
        found: list[RunSummary] = []
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            found += self._summaries(self._rows(self._queries.listed((), None, None, None, ids=some)))
        return found

    def fetch(self, run: str) -> FetchedRun:
        """Fetch the rows of the run with this id, or of the only one whose id begins with it. Raises
        RunNotFoundError.
        """
        run_id = self.resolve(run)
        status = self._rows(self._queries.whole([run_id]))[0]
        rows: Spool[StepRow] = Spool(StepRow(*row) for row in self._streamed(self._queries.all_steps(run_id)))
        started = [row.child_workflow_id for row in rows if starts_child(row)]
        return FetchedRun(
            status=status,
            rows=rows,
            names=[row.function_name for row in rows],
            children=self._inputs_of([child for child in started if child is not None]),
        )

    def copy(
        self, ids: Sequence[str]
    ) -> tuple[Mapping[str, Any], Spool[tuple[str, list[StepRow]]], Mapping[str, Any]]:
        """Copy the rows of several runs, by as many queries as for one.

        Returns the rows of the runs by their ids, those of the steps of each run with its id, and those of the child
        workflows that they started. A run that is no longer there is left out.
        """
        wanted = [*ids]
        steps: Spool[tuple[str, list[StepRow]]] = Spool()
        started: list[str] = []
        streamed = self._streamed(self._queries.steps_of(wanted), at_a_time=MANY_AT_A_TIME)
        for run_id, rows in groupby(streamed, key=itemgetter(0)):
            own = [StepRow(*row[1:]) for row in rows]
            started += [row.child_workflow_id for row in own if row.child_workflow_id and starts_child(row)]
            steps.append((run_id, own))
        statuses = {row.workflow_uuid: row for row in self._rows(self._queries.whole(wanted))}
        return statuses, steps, self._inputs_of(started)

    def _inputs_of(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """Return the rows with the arguments of child workflows, by their ids."""
        found: dict[str, Any] = {}
        for start in range(0, len(ids), CHUNK):
            found |= {
                row.id: row for row in self._rows(self._queries.inputs_of([*ids[start : start + CHUNK]]))
            }
        return found

    def run(self, run: str) -> Run:
        """Return the run with all its values. Raises ValueNotPortableError for the first step whose value has no
        JSON form.
        """
        recording = self.fetch(run).decode()
        for problem in recording.problems:
            raise ValueNotPortableError(problem.message)
        return recording.run

    def resolve(self, run: str) -> str:
        """Return the id of the run that :meth:`fetch` would read. Raises RunNotFoundError."""
        ids = self._connection.scalars(self._queries.ids_like(run)).all()
        found = [run_id for run_id in ids if run_id.startswith(run)]
        if run in found:
            return run
        parent = min(found, key=len, default="")
        if run and found and all(run_id == parent or run_id.startswith(f"{parent}-") for run_id in found):
            return str(parent)  # the others are its children, and theirs
        if run and found:
            some = ", ".join(repr(one_line(run_id, 60)) for run_id in found[:3])
            raise RunNotFoundError(f"{run!r} begins {len(found)} ids ({some} ...): write more of it")
        raise RunNotFoundError(f"no run {one_line(run)!r}{self._nearest(run)}")

    def _nearest(self, run: str) -> str:
        ids = [
            str(run_id) for run_id in self._connection.scalars(self._queries.newest_ids().limit(_NEAREST_OF))
        ]
        if not ids:
            return ": the database holds no runs"
        close = difflib.get_close_matches(run, ids, n=1, cutoff=0.5)
        nearest_id = f"; the nearest is {one_line(close[0])!r}" if close else ""
        return f"{nearest_id}; `refork runs` lists them"

    def _summaries(self, rows: Sequence[Any]) -> Iterator[RunSummary]:
        names: dict[str, list[tuple[int, str]]] = {row.id: [] for row in rows}
        for run_id, number, name in self._rows(self._queries.step_names(list(names))):
            names[run_id].append((number, name))
        spent = usages(names, self._outputs)
        for row in rows:
            yield RunSummary(
                id=row.id,
                workflow=row.name or "",
                status=row.status or "",
                created_at=at(row.created_at),
                steps=len(names[row.id]),
                usage=spent.get(row.id) or reported_usage(row.attributes),
                error=self._error(row),
                flags=flags_of(row.attributes),
            )

    def matching(
        self,
        *,
        status: Sequence[str] = (),
        workflow: str | None = None,
        since: datetime | None = None,
        flagged: bool = False,
    ) -> Iterator[Match]:
        """List runs, newest first, without reading their steps. Raises BadInputError as :meth:`runs` does."""
        query = self._queries.listed(_known(status), workflow, since, None, flagged=flagged)
        for row in self._streamed(query):
            yield Match(
                id=row.id,
                workflow=row.name or "",
                status=row.status or "",
                error=self._error(row),
                flags=flags_of(row.attributes),
            )

    def ids(self, *, workflow: str | None = None, since: datetime | None = None) -> Iterator[tuple[str, str]]:
        """The ids of the newest runs first, each with its status. Nothing else of them is read."""
        query = self._queries.ids(workflow, since)
        yield from self._streamed(query, at_a_time=CHUNK)

    def same_input(self, run: str, *, status: str) -> Iterator[str]:
        """The ids of other runs of this status with the workflow and the input of ``run``, the newest first.

        Inputs are compared as they were written. Flagged runs are left out. Raises RunNotFoundError.
        """
        run_id = self.resolve(run)
        own, workflow = self._inputs_of([run_id])[run_id], self._rows(self._queries.whole([run_id]))[0].name
        found = self.matching(status=[status], workflow=workflow)
        ids = [match.id for match in found if not match.flags and match.id != run_id]
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            inputs = self._inputs_of(some)
            yield from (
                each
                for each in some
                if (inputs[each].inputs, inputs[each].serialization) == (own.inputs, own.serialization)
            )

    def failed_steps(self, run_id: str) -> Sequence[tuple[str, RecordedError]]:
        """Return the names of the failed steps of a run, and their errors."""
        rows = self._rows(self._queries.step_errors(run_id))
        return [(row.function_name, error) for row in rows if (error := self._error(row)) is not None]

    def _error(self, row: Any) -> RecordedError | None:
        if row.error is None:
            return None
        with reading_values():
            return read_error(row.error, row.serialization)[0]

    def _outputs(self, run_id: str, numbers: Sequence[int]) -> Sequence[Any]:
        wanted = set(numbers)
        return [
            row for row in self._rows(self._queries.outputs(run_id, numbers)) if row.function_id in wanted
        ]

    def _rows(self, query: Any) -> Sequence[Any]:
        return self._connection.execute(query).all()

    def _streamed(self, query: Any, *, at_a_time: int = AT_A_TIME) -> Iterator[Any]:
        """The rows a few at a time, through a cursor of the server's where it has them."""
        return iter(self._connection.execute(query, execution_options={"yield_per": at_a_time}))


def _known(statuses: Sequence[str]) -> list[str]:
    found = [status.upper() for status in statuses]
    for given, status in zip(statuses, found, strict=True):
        if status not in STATUSES:
            raise BadInputError(f"--status {given!r} is not a status of DBOS{nearest(status, STATUSES)}")
    return found

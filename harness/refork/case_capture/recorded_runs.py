"""Many recorded runs of a production database, one after the other: all that is on record, without a replay."""

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime

from refork.config import Config
from refork.dbos.application.importing import import_application, inert_dbos
from refork.dbos.reader.batches import fetched_in_batches
from refork.dbos.reader.reader import Reader
from refork.dbos.reader.recordings import ACTIVE
from refork.dbos.serialization.custom_serializer import custom_serializer
from refork.errors import ApplicationError
from refork.fork.http_steps.models import with_named
from refork.records import Run
from refork.tool_policy.conversation import with_users
from refork.values.classes import only_looked_at


@dataclass(frozen=True, kw_only=True)
class RecordedRuns:
    """The runs that were found, read while they are gone through. At most one batch is held, and one run decoded.

    ``ids`` are those of the runs that have ended, the newest first; ``in_progress`` is the number of the others.
    """

    db: str
    config: Config
    ids: Sequence[str]
    in_progress: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Run]:
        for fetched in fetched_in_batches(self.db, self.ids):
            with closing(fetched), only_looked_at():
                run = fetched.decode().run
            yield with_users(with_named(run, self.config.models), self.config.tool_policy)


@contextmanager
def open_recorded_runs(
    db: str,
    config: Config,
    *,
    workflow: str | None = None,
    since: datetime | None = None,
    last: int | None = None,
    on_note: Callable[[str], None],
) -> Generator[RecordedRuns]:
    """Find the newest ``last`` runs of a workflow that have ended, with the project's types at hand to read them.

    ``on_note`` is given a line if the application cannot be imported, which not every value needs. Raises
    DatabaseError, and BadInputError for a database that is none.
    """
    with _project_at_hand(config):
        ids, in_progress = _found(db, workflow, since, last)
        _import(config, on_note)
        yield RecordedRuns(db=db, config=config, ids=ids, in_progress=in_progress)


@contextmanager
def open_recorded_run(
    db: str, config: Config, run: str, *, on_note: Callable[[str], None]
) -> Generator[RecordedRuns]:
    """Find the run with this id, or with the only id that begins so, as :func:`open_recorded_runs` finds many.

    Raises RunNotFoundError, DatabaseError and BadInputError.
    """
    with _project_at_hand(config):
        with Reader(db) as reader:
            run_id = reader.resolve(run)
        _import(config, on_note)
        yield RecordedRuns(db=db, config=config, ids=[run_id])


@contextmanager
def _project_at_hand(config: Config) -> Generator[None]:
    if str(config.root) not in sys.path:
        sys.path.insert(0, str(config.root))
    with custom_serializer(config.serializer):
        yield


def _found(
    db: str, workflow: str | None, since: datetime | None, last: int | None
) -> tuple[Sequence[str], int]:
    ids: list[str] = []
    in_progress = 0
    with Reader(db) as reader:
        for run_id, status in reader.ids(workflow=workflow, since=since):
            if last is not None and len(ids) == last:
                break
            if status in ACTIVE:
                in_progress += 1
            else:
                ids.append(run_id)
    return ids, in_progress


def _import(config: Config, on_note: Callable[[str], None]) -> None:
    if not config.app and config.setup is None:
        return
    try:
        with redirect_stdout(sys.stderr), inert_dbos():
            import_application(config.app, config.setup, config.root)
    except ApplicationError as error:
        on_note(f"values of the application's own types are not read: {error}")

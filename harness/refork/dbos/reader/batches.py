"""Reads many runs of a production database, a batch at a time, so that neither memory nor a transaction holds all."""

from collections.abc import Iterator, Sequence
from typing import Final

from refork.dbos.reader.reader import FetchedRun, Reader
from refork.dbos.reader.spool import Held, Spool

BATCH: Final = 250
"""Runs that one transaction copies."""


def fetched_in_batches(url: str, ids: Sequence[str]) -> Iterator[FetchedRun]:
    """The rows of these runs, one run after the other, in any order within a batch.

    The database is closed while a run is looked at. Runs that are no longer there are left out. Raises as
    :class:`Reader` does.
    """
    for start in range(0, len(ids), BATCH):
        yield from _batch(url, ids[start : start + BATCH])


def _batch(url: str, ids: Sequence[str]) -> Iterator[FetchedRun]:
    with Reader(url) as reader:
        found, steps, children = reader.copy(ids)
    statuses = {**found}
    with steps:
        for run_id, rows in steps:
            status = statuses.pop(run_id, None)
            if status is None:
                continue
            # A run that is decoded is in memory whole, so its rows may be, too.
            own = Held(rows)
            yield FetchedRun(
                status=status, rows=own, names=[row.function_name for row in own], children=children
            )
            own.close()
        for status in statuses.values():
            yield FetchedRun(status=status, rows=Spool(), names=())

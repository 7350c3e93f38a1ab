"""Finds the runs of a production database that filters choose."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from refork.case_capture.run_filter import Where
from refork.dbos.reader.reader import Reader
from refork.dbos.serialization.custom_serializer import custom_serializer

if TYPE_CHECKING:
    from refork.config import Config


def matching_runs(
    db: str, where: Where, config: "Config", *, limit: int, since: datetime | None = None
) -> Sequence[str]:
    """Return the ids of the newest ``limit`` runs that match all filters, the newest first.

    ``since`` leaves out older runs. Raises DatabaseError if the database cannot be read.
    """
    with Reader(db) as reader, custom_serializer(config.serializer):
        # Several of a kind must all hold, which the database need not be asked.
        found = reader.matching(
            status=where.statuses[:1],
            workflow=next(iter(where.workflows), None),
            since=since,
            flagged=bool(where.reasons),
        )
        return [run.id for run in islice(filter(where.holds, found), limit)]

"""Takes a run out of a database, and asks the project's own code for what DBOS does not record.

The database is closed before the application is imported. Whatever the application prints goes to stderr.
"""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refork.errors import ReforkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refork.case import Run
    from refork.config import Config
    from refork.engine.reading import FetchedRun
    from refork.engine.reading_types import Problem, Recording


@dataclass(frozen=True, kw_only=True)
class LoadedRun:
    """A run with as much of its requests as could be found, and one line where some are missing."""

    run: "Run"
    problems: "Sequence[Problem]"
    missing: str | None


def project() -> "Config":
    """The project of the current folder."""
    from refork.config import load_config  # noqa: PLC0415 - `refork --help` needs no pydantic

    return load_config(Path.cwd())


def load_run(db: str, run: str, config: "Config") -> LoadedRun:
    """Raises DatabaseError and RunNotFoundError; that prompts are missing is no error."""
    from refork.engine.reading import Reader  # noqa: PLC0415 - takes a second to import

    with Reader(db) as reader:
        fetched = reader.fetch(run)
    if str(config.root) not in sys.path:
        sys.path.insert(0, str(config.root))
    with redirect_stdout(sys.stderr):
        if not fetched.has_model_steps:
            return _plain(fetched.decode(), None)
        if not config.app:
            return _plain(
                fetched.decode(),
                "agents, models and prompts are not known: "
                "[tool.refork] app in pyproject.toml names no module",
            )
        return _replayed(fetched, config)


def _plain(recording: "Recording", missing: str | None) -> LoadedRun:
    return LoadedRun(run=recording.run, problems=recording.problems, missing=missing)


def _replayed(fetched: "FetchedRun", config: "Config") -> LoadedRun:
    from refork.fork import open_session  # noqa: PLC0415 - takes a second to import

    recording: Recording | None = None
    try:
        with open_session(
            root=config.root,
            modules=config.app,
            setup=config.setup,
            slot="replay",
            replay_timeout=config.replay_timeout,
        ) as session:
            # Within the session: it imports the application and registers its types.
            recording = fetched.decode()
            replay = session.replay(recording.run)
    except ReforkError as error:
        return _plain(recording or fetched.decode(), f"agents, models and prompts are not known: {error}")
    missing = None if replay.problem is None else f"some prompts are not known: {replay.problem}"
    return LoadedRun(run=replay.run, problems=recording.problems, missing=missing)

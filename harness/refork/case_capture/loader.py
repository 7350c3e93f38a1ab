"""Loads runs from a database, and replays the project's own code for what DBOS does not record.

The database is closed before the application is imported. Whatever the application prints goes to stderr.
Secrets are replaced before anything is replayed or written, so a replay also shows that nothing hangs on them.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from refork.errors import ReforkError

if TYPE_CHECKING:
    from refork.config import Config
    from refork.dbos.reader.reader import FetchedRun
    from refork.dbos.reader.recordings import Flag, Problem
    from refork.fork import ForkSession
    from refork.fork.branches.replay_branch import ReplayedRun
    from refork.records import Run, Step
    from refork.redaction import Redactor, Replaced

LARGEST_REPLAY: Final = 16_000_000
"""Bytes up to which a run is replayed without a request to do so, because a replay holds all of it in memory."""

UNRECOGNISED: Final = (
    'no step is known to ask a model: name those that do under [tool.refork], as in models = ["extract"], '
    "or see docs/production.md"
)


@dataclass(frozen=True, kw_only=True)
class LoadedRun:
    """A run with as many of its requests as could be found, and a line about those that are missing.

    The steps of a large ``run`` are outlines; ``steps`` are all of them in full, one after the other.
    """

    run: "Run"
    steps: "Iterable[Step]"
    problems: "Sequence[Problem]"
    missing: str | None
    replaced: "Sequence[Replaced]" = ()
    flags: "Sequence[Flag]" = ()


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """The settings of redaction: secrets, kinds of personal data, and the project's own function."""

    secrets: bool = True
    kinds: tuple[str, ...] = ()

    def redactor(self, config: "Config") -> "Redactor | None":
        from refork.redaction import Redactor  # noqa: PLC0415 - brings the detector

        if not self.secrets:
            return None
        function = None
        if config.redact is not None:
            from refork.dbos.application.importing import function_named  # noqa: PLC0415 - takes a second to import

            function = function_named("redact", config.redact)
        return Redactor(kinds=self.kinds, function=function)


def project() -> "Config":
    """Return the project of the current folder."""
    from refork.config import load_config  # noqa: PLC0415 - `refork --help` needs no pydantic

    return load_config(Path.cwd())


class Loader:
    """Loads runs of one database, all in one session of the project's application.

    ``replay`` says whether to look for what was sent to the model; None: unless the run is large. ``on_note`` is given
    a line about the evals database, where there is one (default: a warning of the logger ``refork``).
    """

    def __init__(
        self,
        db: str,
        config: "Config",
        *,
        redaction: Redaction | None = None,
        replay: bool | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> None:
        self._db = db
        self._config = config
        self._redaction = redaction or Redaction()
        self._replay = replay
        self._on_note = on_note or logging.getLogger("refork").warning
        self._stack = ExitStack()
        self._session: ForkSession | None = None
        self._no_session: str | None = None

    def __enter__(self) -> Self:
        from refork.hosts import check_hosts  # noqa: PLC0415 - takes a second
        from refork.hosts.dbos import DBOS  # noqa: PLC0415

        check_hosts((DBOS,))
        from refork.dbos.serialization.custom_serializer import custom_serializer  # noqa: PLC0415 - takes a second to import

        if str(self._config.root) not in sys.path:
            sys.path.insert(0, str(self._config.root))
        self._stack.enter_context(custom_serializer(self._config.serializer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def load(self, run: str) -> LoadedRun:
        """Load a run. Raises DatabaseError and RunNotFoundError. Missing prompts are not an error."""
        from refork.dbos.reader.reader import Reader  # noqa: PLC0415 - takes a second to import

        with Reader(self._db) as reader:
            fetched = reader.fetch(run)
        with redirect_stdout(sys.stderr), closing(fetched):
            # Imports the application and registers its types, before its values are read.
            wanted = fetched.has_model_steps or self._config.setup is not None
            session = self._opened() if wanted else None
            return replace(self._loaded(fetched, session), flags=fetched.flags)

    def _loaded(self, fetched: "FetchedRun", session: "ForkSession | None") -> LoadedRun:
        redactor = self._redaction.redactor(self._config)
        loaded = _read(fetched, redactor)
        if not fetched.has_model_steps:
            return loaded
        if session is None and not self._config.app and not _model_steps(loaded.run):
            return replace(loaded, missing=UNRECOGNISED)
        if session is None:
            return replace(loaded, missing=f"agents, models and prompts are not known: {self._no_session}")
        if self._replay is False:
            return replace(loaded, missing="agents, models and prompts are not known: --no-replay was given")
        if self._replay is None and fetched.replay_bytes > LARGEST_REPLAY:
            return replace(loaded, missing=_too_large(fetched))
        return _replayed(loaded, session, redactor)

    def _opened(self) -> "ForkSession | None":
        if self._session is None and self._no_session is None:
            try:
                self._session = self._open()
            except ReforkError as error:
                self._no_session = str(error)
        return self._session

    def _open(self) -> "ForkSession":
        from refork.fork import open_project  # noqa: PLC0415 - takes a second to import

        session = self._stack.enter_context(open_project(self._config, slot="replay"))
        if session.note:
            self._on_note(session.note)
        return session


def _read(fetched: "FetchedRun", redactor: "Redactor | None") -> LoadedRun:
    """Read the run without requests. All of it is scanned before any of it is replaced."""
    from refork.case_capture.run_summary import outlined  # noqa: PLC0415 - needs pydantic
    from refork.dbos.reader.spool import Spool  # noqa: PLC0415 - takes a second to import
    from refork.redaction.runs import redacted_run, redacted_step, scan_run, scan_step  # noqa: PLC0415

    head = fetched.head()
    steps: Spool[Step] = Spool()
    problems = [*head.problems]
    for step, problem in fetched.steps():
        steps.append(step)
        problems += [problem] if problem is not None else []
        if redactor is not None:
            scan_step(redactor, step)
    run = head.run
    if redactor is not None:
        scan_run(redactor, run)
        if not redactor.idle:
            run = redacted_run(redactor, run)
            steps = Spool(redacted_step(redactor, step) for step in steps)
    outlines = tuple(outlined(step) for step in steps)
    return LoadedRun(
        run=replace(run, steps=outlines),
        steps=steps,
        problems=problems,
        missing=None,
        replaced=() if redactor is None else redactor.replaced,
    )


def _replayed(loaded: LoadedRun, session: "ForkSession", redactor: "Redactor | None") -> LoadedRun:
    """Return the run with the requests of its steps. Secrets that only a prompt contains are found here, too."""
    whole = replace(loaded.run, steps=tuple(loaded.steps))
    try:
        replay = session.replay(whole)
    except ReforkError as error:
        return replace(loaded, missing=f"agents, models and prompts are not known: {error}")
    run = replay.run if redactor is None else _redacted(replay.run, redactor)
    return LoadedRun(
        run=run,
        steps=run.steps,
        problems=loaded.problems,
        missing=_said(replay, todays=session.is_todays(run)),
        replaced=() if redactor is None else redactor.replaced,
    )


def _said(replay: "ReplayedRun", *, todays: bool) -> str | None:
    """Return the notes that a reader of the prompts needs."""
    said = [] if replay.problem is None else [f"some prompts are not known: {replay.problem}"]
    said += [f"what {name!r} sends is not known: it {why}" for name, why in replay.unseen.items()]
    if not _model_steps(replay.run):
        return "; ".join([*said, UNRECOGNISED])
    if not todays:
        said.append("the prompts are today's: another version of the application made this run")
    return "; ".join(said) or None


def _model_steps(run: "Run") -> bool:
    return any(step.kind == "model" for step in run.steps)


def _redacted(run: "Run", redactor: "Redactor") -> "Run":
    from refork.redaction.runs import redacted_run, scan_step  # noqa: PLC0415 - needs pydantic

    for step in run.steps:
        scan_step(redactor, replace(step, output=None, answer=None, error=None))
    return run if redactor.idle else redacted_run(redactor, run)


def _too_large(fetched: "FetchedRun") -> str:
    size = fetched.replay_bytes / 1_000_000
    return (
        f"agents, models and prompts are not known: a replay would take {size:,.0f} MB of memory or more, "
        f"and above {LARGEST_REPLAY / 1_000_000:.0f} MB none is made unasked; --replay makes it"
    )

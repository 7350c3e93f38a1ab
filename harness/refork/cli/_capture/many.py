"""Runs ``refork capture --where``: captures every matching run, once for each failure."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refork.case_capture.case_writer import capture, check_finished, check_fork_point, find_step
from refork.case_capture.failures import Existing, existing_cases, failure_of, free_name, run_name
from refork.case_capture.fork_points import fork_points_of
from refork.case_capture.loader import LoadedRun, Loader, Redaction, project
from refork.case_capture.matching import matching_runs
from refork.case_capture.run_filter import Where
from refork.cli._capture.capture_messages import near, tell_replaced, tell_size
from refork.cli._output.tables import error_console, note
from refork.cli._output.text import one_line
from refork.errors import DatabaseError, ReforkError
from refork.records import Run, Step

if TYPE_CHECKING:
    from refork.config import Config


@dataclass(kw_only=True)
class _Tally:
    """Counts of captured, skipped and failed runs, for the last line."""

    written: int = 0
    there: int = 0
    skipped: int = 0
    alike: Counter[str] = field(default_factory=Counter[str])


class _AlreadyThere(Exception):  # noqa: N818 - an outcome
    """A run that needs no case of its own. ``alike`` says that another run failed in the same way."""

    def __init__(self, folder: Path, *, alike: bool) -> None:
        super().__init__(str(folder))
        self.folder = folder
        self.alike = alike


def capture_many(
    db: str,
    where: Where,
    *,
    since: datetime | None,
    limit: int,
    steps: Sequence[str],
    agent: str | None,
    guard: bool,
    in_progress: bool,
    replay: bool | None,
    what: Redaction,
) -> None:
    """Capture the newest ``limit`` runs that match. A run that cannot be captured is reported, and the others
    continue.
    """
    config = project()
    with Loader(db, config, redaction=what, replay=replay, on_note=note) as loader:
        ids = matching_runs(db, where, config, limit=limit, since=since)
        if not ids:
            click.echo("No runs match.")
            return
        work = _Work(
            config=config,
            loader=loader,
            existing=existing_cases(config.cases),
            steps=steps,
            options={"agent": agent, "guard": guard, "in_progress": in_progress},
        )
        with _progress(len(ids)) as (say, advance):
            for run_id in ids:
                work.take(run_id, say)
                advance()
    _tell(work.tally, len(ids), near(config.cases))


@dataclass(kw_only=True)
class _Work:
    """Captures one run after the other. Each new case is added to ``existing``."""

    config: "Config"
    loader: Loader
    existing: Existing
    steps: Sequence[str]
    options: dict[str, Any]
    tally: _Tally = field(default_factory=_Tally)

    def take(self, run_id: str, say: Callable[[str], None]) -> None:
        try:
            self._take(run_id, say)
        except _AlreadyThere as there:
            self.tally.there += not there.alike
            self.tally.alike[there.folder.name] += there.alike
            how = "failed as did" if there.alike else "is captured already:"
            say(f"{one_line(run_id)} {how} {near(there.folder)}")
        except DatabaseError:
            raise
        except ReforkError as error:
            self.tally.skipped += 1
            say(f"{one_line(run_id)} is skipped: {error}")

    def _take(self, run_id: str, say: Callable[[str], None]) -> None:
        known = self.existing.runs.get(run_id, {})
        if known and not self.steps:
            raise _AlreadyThere(next(iter(known.values())), alike=False)
        loaded = self.loader.load(run_id)
        if not self.options["in_progress"]:
            check_finished(loaded.run)
        for point in self._points(loaded):
            self._write(loaded, point, say)
        if loaded.missing is not None:
            note(f"{one_line(run_id)}: {loaded.missing}")
        tell_replaced(loaded.replaced)

    def _points(self, loaded: LoadedRun) -> Sequence[Step]:
        run = loaded.run
        if self.steps:
            return [find_step(run, step) for step in self.steps]
        flagged = any(flag.step is not None for flag in loaded.flags)
        failure = None if flagged else failure_of(run)
        alike = None if failure is None else self.existing.failures.get(failure)
        if alike is not None:
            raise _AlreadyThere(alike, alike=True)
        return fork_points_of(run, loaded.flags).steps

    def _write(self, loaded: LoadedRun, point: Step, say: Callable[[str], None]) -> None:
        run = loaded.run
        there = self.existing.runs.get(run.id, {}).get(point.number)
        if there is not None:
            raise _AlreadyThere(there, alike=False)
        check_fork_point(run, point.number)
        captured = capture(
            run,
            step=point.number,
            cases=self.config.cases,
            name=self._name(run, point),
            problems=loaded.problems,
            steps=loaded.steps,
            **self.options,
        )
        self.tally.written += 1
        self.existing.runs.setdefault(run.id, {})[point.number] = captured.folder
        failure = failure_of(run)
        if failure is not None:
            self.existing.failures.setdefault(failure, captured.folder)
        say(f"{near(captured.folder)}: run {one_line(run.id)}, forked at step {point.number}")
        tell_size(captured)

    def _name(self, run: Run, point: Step) -> str:
        failure = failure_of(run)
        taken = [path.name for path in self.config.cases.glob("*")]
        return free_name(run_name(run, point) if failure is None else failure.name, taken)


def _tell(tally: _Tally, runs: int, cases: Path) -> None:
    alike = sum(tally.alike.values())
    parts = {
        "already captured": tally.there,
        "failed as another did": alike,
        "skipped": tally.skipped,
    }
    said = [f"{tally.written} {'case' if tally.written == 1 else 'cases'} written to {cases}"]
    said += [f"{count} {what}" for what, count in parts.items() if count]
    click.echo(f"{runs} {'run' if runs == 1 else 'runs'}: {', '.join(said)}")
    if tally.written:
        click.echo(f"\nNext: write under `expect:` in each case.yaml, then pytest --agent-evals {cases}")


@contextmanager
def _progress(total: int) -> Generator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Yield a function that prints a line and one that reports a finished run. Shows a bar on a terminal."""
    console = error_console()
    if not console.is_terminal:
        yield click.echo, lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield (
            lambda text: bar.console.out(text, highlight=False),
            lambda: bar.advance(task),
        )

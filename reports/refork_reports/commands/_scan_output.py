"""The output of ``refork scan``: tables for people, JSON for programs. Whatever a model wrote is escaped in both."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from refork.cli._capture.capture_messages import near, tell_size
from refork.cli._output.tables import TableColumn, error_console, note, print_table
from refork.cli._output.text import ago, one_line
from refork.text.numbers import percent, plural
from refork_evals.scan.capturing import CapturedGroup
from refork_evals.scan.results import Group, Scan, Share

MOST_ROWS: Final = 20
_UNKNOWN: Final = "–"
_COLUMNS: Final = (
    TableColumn(title="what failed", flexible=True),
    TableColumn(title="where", flexible=True),
    TableColumn(title="runs", right=True),
    TableColumn(title="last"),
    TableColumn(title="for example", flexible=True),
    TableColumn(title="step", right=True),
)


_WHERE: Final = 1
"""The place of a column that is left out if it is empty."""


@contextmanager
def progress() -> Generator[Callable[[int, int], None]]:
    """Return a function that is given the scored runs and all runs. Shows a bar on a terminal."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _done, _all: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def document(found: Scan) -> dict[str, Any]:
    """The scan as JSON."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - `refork --help` needs no pydantic

    plain: dict[str, Any] = TypeAdapter(Scan).dump_python(found, mode="json")
    return {"version": 1, **plain}


def print_scan(found: Scan) -> None:
    """The headline, the days, the versions and the groups."""
    click.echo(headline(found))
    if found.unscored:
        note(f"{plural(found.unscored, 'run')} could not be scored: {found.unscored_why}")
    if not found.failing:
        return
    if len(found.days) > 1:
        _print_shares("day", found.days[-MOST_ROWS:], len(found.days))
    if len(found.versions) > 1:
        _print_shares("version", found.versions[:MOST_ROWS], len(found.versions))
    click.echo()
    _print_groups(found.groups[:MOST_ROWS])
    _say_more(len(found.groups), "groups")
    for group in found.groups[:MOST_ROWS]:
        if group.example.reason:
            click.echo(one_line(f"{_place(group)}: {group.example.reason}"))


def headline(found: Scan) -> str:
    """Say in a sentence how many runs fail."""
    if not found.runs:
        said = "No runs match."
    else:
        share = percent(found.failing / found.runs)
        fail = "fails" if found.failing == 1 else "fail"
        said = f"{found.failing:,} of {plural(found.runs, 'run')} {fail} ({share})."
    return said + (f" {found.in_progress:,} more are in progress." if found.in_progress else "")


def print_captured(result: CapturedGroup, *, quiet: bool) -> bool:
    """Say what became of a group, on stderr if ``quiet``. Returns whether a case was written."""
    say = note if quiet else click.echo
    name = one_line(result.group.name)
    if result.captured is None:
        why = f"a case already: {near(result.there)}" if result.there is not None else result.problem
        say(one_line(f"{name}: {'not captured: ' if result.there is None else ''}{why}"))
        return False
    case = result.captured.case
    expects = "" if case.expect else "; write under `expect:` what the answer must meet"
    place = f"run {case.run.id}, forked at step {case.step}, scope {case.scope}"
    say(one_line(f"{near(result.captured.folder)}: {place}{expects}"))
    tell_size(result.captured)
    if result.loaded is not None and result.loaded.missing is not None:
        note(f"{case.run.id}: {result.loaded.missing}")
    return True


def next_step(cases: Path) -> str:
    return f"\nNext: pytest --agent-evals {near(cases)}"


def _print_shares(title: str, shares: Sequence[Share], all_of_them: int) -> None:
    columns = (
        TableColumn(title=title, flexible=True),
        TableColumn(title="runs", right=True),
        TableColumn(title="failing", right=True),
        TableColumn(title="share", right=True),
    )
    click.echo()
    rows = [
        (share.name, f"{share.runs:,}", f"{share.failing:,}", percent(share.failing / share.runs))
        for share in shares
    ]
    print_table(columns, rows)
    _say_more(all_of_them, f"{title}s")


def _print_groups(groups: Sequence[Group]) -> None:
    """Without a replay, the agents of some frameworks are not known: then there is no column for them."""
    rows = [_cells(group) for group in groups]
    shown = [
        place for place, _ in enumerate(_COLUMNS) if place != _WHERE or any(group.where for group in groups)
    ]
    print_table([_COLUMNS[place] for place in shown], [[row[place] for place in shown] for row in rows])


def _say_more(count: int, what: str) -> None:
    if count > MOST_ROWS:
        click.echo(f"... and {count - MOST_ROWS:,} more {what}; --json has all")


def _cells(group: Group) -> tuple[str, ...]:
    step = group.example.step
    return (
        group.what,
        group.where or _UNKNOWN,
        f"{len(group.runs):,}",
        ago(group.last_at),
        group.example.run,
        _UNKNOWN if step is None else str(step),
    )


def _place(group: Group) -> str:
    step = group.example.step
    return f"{group.example.run}{'' if step is None else f', step {step}'}"

"""Runs ``refork capture``, which writes runs as cases."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refork.case_capture.run_filter import ACCEPTED, parsed
from refork.cli._capture.capture_messages import near, tell, tell_replaced, tell_size
from refork.cli._output.options import db_option, redact_options, redaction, replay_option, since
from refork.cli._output.tables import note, terminal
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.case_capture.case_writer import Captured
    from refork.case_capture.loader import LoadedRun, Redaction
    from refork.config import Config
    from refork.records import Run, Step


@click.command("capture")
@click.argument("run", metavar="[RUN]", required=False)
@db_option
@click.option(
    "--step",
    "steps",
    metavar="STEP",
    multiple=True,
    help="The fork point: a step's number, or the name of its agent. Several make several cases. "
    "Default: those that flags name; of a failed run the model step that failed, or the last one before; "
    "else the last model step.",
)
@click.option("--name", metavar="NAME", help="The name of the case and of its folder. Asked for if missing.")
@click.option("--agent", metavar="NAME", help="The agent of the fork point, if a replay does not find it.")
@click.option("--guard", is_flag=True, help="From a run that went well, which a fix must not break.")
@click.option("--force", is_flag=True, help="Replace the run of an existing case. Its case.yaml is kept.")
@click.option(
    "--where",
    "filters",
    metavar="FILTER",
    multiple=True,
    help=f"Capture every run that fits, instead of RUN: {ACCEPTED}. All of them must hold.",
)
@click.option("--since", "since_text", metavar="WHEN", help="With --where, only runs since then: 7d, 2h.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="With --where, the maximum number of runs.  [default: 20]"
)
@click.option(
    "--in-progress", is_flag=True, help="Accept a run that has not ended, up to its last checkpoint."
)
@replay_option
@redact_options
def command(
    *,
    run: str | None,
    db: str,
    steps: Sequence[str],
    name: str | None,
    agent: str | None,
    guard: bool,
    force: bool,
    filters: Sequence[str],
    since_text: str | None,
    limit: int | None,
    in_progress: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> None:
    """Write RUN, an id or the beginning of one, as a case that pytest runs.

    The folder evals/cases/NAME gets run.json, which is never edited, and
    case.yaml, which is yours: write there what the answer must meet.

    With --where in place of RUN, every run that fits becomes a case, and
    those that failed alike become one, which is named after the failure.
    Repeat it as you like: what is a case already is not captured again.
    """
    what = redaction(redact, no_redact=no_redact)
    if filters:
        _refuse_with_where(run, name)
        from refork.cli._capture.many import capture_many  # noqa: PLC0415 - needs pydantic

        capture_many(
            db,
            parsed(filters),
            since=None if since_text is None else since(since_text),
            limit=limit or 20,
            steps=steps,
            agent=agent,
            guard=guard,
            in_progress=in_progress,
            replay=replay,
            what=what,
        )
        return
    _refuse_without_where(run, since_text, limit)
    assert run is not None
    how: dict[str, Any] = {"agent": agent, "guard": guard, "force": force, "in_progress": in_progress}
    _capture_one(db, run, wanted=steps, name=name, what=what, replay=replay, **how)


def _refuse_with_where(run: str | None, name: str | None) -> None:
    if run is not None:
        raise BadInputError(f"--where replaces RUN: leave {run!r} out, or capture it alone")
    if name is not None:
        raise BadInputError("--name is for one run: with --where, cases are named after what failed")


def _refuse_without_where(run: str | None, since_text: str | None, limit: int | None) -> None:
    if run is None:
        raise BadInputError("RUN is missing: give a run's id, or --where for every run that matches")
    if since_text is not None or limit is not None:
        raise BadInputError("--since and --limit are for --where, as in --where status=ERROR --since 7d")


def _capture_one(
    db: str,
    run: str,
    *,
    wanted: Sequence[str],
    name: str | None,
    what: "Redaction",
    replay: bool | None,
    in_progress: bool,
    **how: Any,
) -> None:
    from refork.case_capture.case_writer import check_finished, check_fork_point, check_name  # noqa: PLC0415 - needs pydantic
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415

    config = project()
    if name is None and len(wanted) < 2 and not terminal():
        raise BadInputError(
            "--name is missing, and there is no terminal to ask at: name the case, such as 'wrong-tool'"
        )
    if name is not None:
        check_name(name)
    with Loader(db, config, redaction=what, replay=replay, on_note=note) as loader:
        loaded = loader.load(run)
        if not in_progress:
            check_finished(loaded.run)
        points = _fork_points(loaded, wanted)
        for point in points:
            check_fork_point(loaded.run, point.number)
        if loaded.missing is not None:
            note(loaded.missing)
        folders: list[Path] = []
        for point in points:
            case_name = _name(loaded.run, point, name, several=len(points) > 1)
            captured = _captured(loaded, point, config, case_name, in_progress=in_progress, **how)
            folders.append(captured.folder)
            tell(captured, config)
            tell_size(captured)
        tell_replaced(loaded.replaced)
        click.echo(f"\nNext: pytest --agent-evals {near(folders[0] if len(folders) == 1 else config.cases)}")


def _captured(loaded: "LoadedRun", point: "Step", config: "Config", name: str, **how: Any) -> "Captured":
    from refork.case_capture.case_writer import capture  # noqa: PLC0415 - needs pydantic

    options: dict[str, Any] = {"problems": loaded.problems, "steps": loaded.steps, **how}
    return capture(loaded.run, step=point.number, cases=config.cases, name=name, **options)


def _fork_points(loaded: "LoadedRun", wanted: Sequence[str]) -> "Sequence[Step]":
    from refork.case_capture.case_writer import find_step  # noqa: PLC0415 - needs pydantic
    from refork.case_capture.fork_points import fork_points_of  # noqa: PLC0415

    run = loaded.run
    if wanted:
        found = {step.number: step for step in (find_step(run, one) for one in wanted)}
        return [*found.values()]
    try:
        points = fork_points_of(run, loaded.flags)
    except BadInputError:
        if not terminal():
            raise
        return [_asked(run, default=None)]
    if points.is_sure:
        return points.steps
    if terminal():
        return [_asked(run, default=points.steps[0])]
    note(f"nothing says which step went wrong: forked at {points.steps[0].number}, the last model step")
    return points.steps


def _asked(run: "Run", *, default: "Step | None") -> "Step":
    from refork.case_capture.case_writer import find_step  # noqa: PLC0415 - needs pydantic
    from refork.cli._output.steps import print_timeline  # noqa: PLC0415

    print_timeline(run)
    number = None if default is None else str(default.number)
    return find_step(run, str(click.prompt("Fork at which step (a model step)", type=str, default=number)))


def _name(run: "Run", step: "Step", name: str | None, *, several: bool) -> str:
    from refork.case_capture.failures import run_name  # noqa: PLC0415 - needs pydantic

    if name is not None:
        return f"{name}-{step.number}" if several else name
    if several:
        return f"{run_name(run, step)}-{step.number}" if step.agent else run_name(run, step)
    return str(click.prompt("Name of the case", type=str, default=run_name(run, step)))

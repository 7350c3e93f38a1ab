"""``refork capture``: a run becomes a case."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refork.cli.options import db_option, run_argument
from refork.cli.output import note, terminal
from refork.cli.text import one_line
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.capture import Captured
    from refork.case import Run, Step
    from refork.config import Config


@click.command("capture")
@run_argument
@db_option
@click.option(
    "--step",
    metavar="STEP",
    help="The fork point: a step's number, or the name of its agent. Asked for if left out.",
)
@click.option("--name", metavar="NAME", help="The case's name, which is its folder's. Asked for if left out.")
@click.option("--agent", metavar="NAME", help="The agent of the fork point, where a replay cannot tell it.")
@click.option("--guard", is_flag=True, help="From a run that went well, which a fix must not break.")
@click.option("--force", is_flag=True, help="Replace the run of an existing case. Its case.yaml is kept.")
def command(
    *, run: str, db: str, step: str | None, name: str | None, agent: str | None, guard: bool, force: bool
) -> None:
    """Write RUN, an id or the beginning of one, as a case that pytest runs.

    The folder evals/cases/NAME gets run.json, which is never edited, and
    case.yaml, which is yours: write there what the answer must meet.
    """
    from refork.capture import capture, check_finished, check_fork_point, check_name  # noqa: PLC0415 - needs pydantic
    from refork.cli.loading import load_run, project  # noqa: PLC0415

    config = project()
    _check_answers(step, name)
    if name is not None:
        check_name(name)
    loaded = load_run(db, run, config)
    check_finished(loaded.run)
    point = _fork_point(loaded.run, step)
    check_fork_point(loaded.run, point.number)
    if loaded.missing is not None:
        note(loaded.missing)
    captured = capture(
        loaded.run,
        step=point.number,
        cases=config.cases,
        name=_asked_name(loaded.run, point) if name is None else name,
        problems=loaded.problems,
        agent=agent,
        guard=guard,
        force=force,
    )
    _tell(captured, config)


def _check_answers(step: str | None, name: str | None) -> None:
    """What cannot be asked for is refused before anything is read."""
    if terminal():
        return
    if step is None:
        raise BadInputError(
            "--step is missing, and there is no terminal to ask at: `refork show` lists the steps"
        )
    if name is None:
        raise BadInputError(
            "--name is missing, and there is no terminal to ask at: name the case, such as 'wrong-tool'"
        )


def _fork_point(run: "Run", step: str | None) -> "Step":
    from refork.capture import find_step  # noqa: PLC0415 - needs pydantic
    from refork.cli.steps import print_timeline  # noqa: PLC0415

    if step is None:
        print_timeline(run)
        step = str(click.prompt("Fork at which step (a model step)", type=str))
    return find_step(run, step)


def _asked_name(run: "Run", step: "Step") -> str:
    suggestion = re.sub(r"[^a-z0-9]+", "-", f"{run.workflow}-{step.agent or step.number}".lower()).strip("-")
    return str(click.prompt("Name of the case", type=str, default=suggestion))


def _tell(captured: "Captured", config: "Config") -> None:
    from refork.variant import prompt_folder  # noqa: PLC0415 - needs pydantic

    case, folder = captured.case, _near(captured.folder)
    kept = " (kept as it was)" if captured.kept else ""
    click.echo(f"{folder / 'run.json'}: {len(case.run.steps)} steps, forked at step {case.step}")
    click.echo(f"{folder / 'case.yaml'}{kept}: write under `expect:` what the answer must meet")
    if case.agent is None:
        note(
            "the agent is not known: give --agent, or write it under `fork:` in case.yaml, to try candidates"
        )
    else:
        prompts = _near(config.prompts) / prompt_folder(case.agent)
        click.echo(f"{prompts / '<variant>.md'}: candidate prompts of {one_line(case.agent)}")
    click.echo(f"\nNext: pytest --agent-evals {folder}")


def _near(path: Path) -> Path:
    """As a person in the current folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

"""``refork show``: a run as a timeline, or one of its steps."""

from typing import TYPE_CHECKING, Any

import click

from refork.cli.options import db_option, json_option, run_argument
from refork.cli.output import note, print_json

if TYPE_CHECKING:
    from refork.cli.loading import LoadedRun


@click.command("show")
@run_argument
@db_option
@click.option(
    "--step",
    metavar="STEP",
    help="Show all that is known of one step: its number, or the name of its agent or tool.",
)
@json_option
def command(*, run: str, db: str, step: str | None, as_json: bool) -> None:
    """Show the steps of RUN, an id or the beginning of one.

    What was sent to the model is not recorded: it comes from replaying the
    run with the modules that [tool.refork] app names. That makes no call.
    """
    from refork.capture import find_step  # noqa: PLC0415 - `refork --help` needs no pydantic
    from refork.cli.loading import load_run, project  # noqa: PLC0415
    from refork.cli.steps import print_header, print_step, print_timeline  # noqa: PLC0415

    loaded = load_run(db, run, project())
    found = None if step is None else find_step(loaded.run, step)
    if as_json:
        print_json(_document(loaded, None if found is None else found.number))
        return
    if found is not None:
        print_step(found)
    else:
        print_header(loaded.run)
        print_timeline(loaded.run)
    if loaded.missing is not None:
        note(loaded.missing)


def _document(loaded: "LoadedRun", step: int | None) -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - `refork --help` needs no pydantic

    from refork.case import Run  # noqa: PLC0415

    run = TypeAdapter(Run).dump_python(loaded.run, mode="json")
    if step is None:
        return {"version": 1, "run": run, "missing": loaded.missing}
    found = next(one for one in run["steps"] if one["number"] == step)
    return {"version": 1, "step": found, "missing": loaded.missing}

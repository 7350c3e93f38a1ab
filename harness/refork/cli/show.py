"""Runs ``refork show``, which prints a run as a timeline, or one of its steps."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import click

from refork.cli._output.flags import as_json as flags_json
from refork.cli._output.flags import print_flags
from refork.cli._output.options import (
    db_option,
    json_option,
    redact_options,
    redaction,
    replay_option,
    run_argument,
)
from refork.cli._output.tables import note, print_json
from refork.errors import BadInputError, ReforkError

if TYPE_CHECKING:
    from refork.case_capture.loader import LoadedRun
    from refork.records import Run, Step

PAGES: Final = "refork.pages"
"""The entry-point group of page makers. ``run`` is a :class:`RunPage`."""


class RunPage(Protocol):
    """A function that makes the page of a run. ``steps`` are its steps in full; ``capture`` are words of a shell
    command.
    """

    def __call__(
        self, run: "Run", steps: "Iterable[Step]", *, missing: str | None, capture: Sequence[str]
    ) -> str: ...


@click.command("show")
@run_argument
@db_option
@click.option(
    "--step",
    metavar="STEP",
    help="Show everything about one step: its number, or the name of its agent or tool.",
)
@click.option("--html", metavar="FILE", help="Write the run as a page, with every step in full.")
@json_option
@replay_option
@redact_options
def command(
    *,
    run: str,
    db: str,
    step: str | None,
    html: str | None,
    as_json: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> None:
    """Show the steps of RUN, an id or the beginning of one.

    What was sent to the model is not recorded: it comes from replaying the
    run with the modules that [tool.refork] app names. That makes no call.

    Secrets are replaced, as they are when the run is captured.
    """
    from refork.case_capture.case_writer import find_step  # noqa: PLC0415 - `refork --help` needs no pydantic
    from refork.case_capture.failures import failed_child  # noqa: PLC0415
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415
    from refork.cli._output.steps import print_header, print_step, print_timeline  # noqa: PLC0415

    if html is not None and (step is not None or as_json):
        raise BadInputError("--html writes the whole run: leave --step and --json out")
    what = redaction(redact, no_redact=no_redact)
    with Loader(db, project(), redaction=what, replay=replay, on_note=note) as loader:
        loaded = loader.load(run)
    found = None if step is None else _whole(loaded, find_step(loaded.run, step).number)
    if html is not None:
        click.echo(f"{_write_page(loaded, Path(html), no_redact=no_redact)}")
    elif as_json:
        print_json(_document(loaded, found))
        return
    elif found is not None:
        print_step(found)
    else:
        print_header(loaded.run)
        print_flags(loaded.flags)
        print_timeline(loaded.run)
    child = failed_child(loaded.run)
    if child is not None:
        note(f"the error arose in the child run {child}: `refork show {child}`")
    if loaded.missing is not None:
        note(loaded.missing)


def _whole(loaded: "LoadedRun", number: int) -> "Step":
    return next(step for step in loaded.steps if step.number == number)


def _document(loaded: "LoadedRun", step: "Step | None") -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - `refork --help` needs no pydantic

    from refork.records import Run, Step  # noqa: PLC0415

    if step is not None:
        found = TypeAdapter(Step).dump_python(step, mode="json")
        return {"version": 1, "step": found, "missing": loaded.missing}
    run = replace(loaded.run, steps=tuple(loaded.steps))
    return {
        "version": 1,
        "run": TypeAdapter(Run).dump_python(run, mode="json"),
        "flags": flags_json(loaded.flags),
        "missing": loaded.missing,
    }


def _write_page(loaded: "LoadedRun", file: Path, *, no_redact: bool) -> Path:
    """Write the page. A package of a higher layer makes it, which is found by an entry point because nothing of it
    may be imported here.
    """
    from refork.storage.files import write_atomically  # noqa: PLC0415 - needs pydantic

    entry = next(iter(entry_points(group=PAGES, name="run")), None)
    if entry is None:
        raise ReforkError("--html: this installation of refork makes no pages; install it again")
    page: RunPage = entry.load()
    capture = ["refork", "capture", loaded.run.id, *(["--no-redact"] if no_redact else [])]
    write_atomically(file, page(loaded.run, loaded.steps, missing=loaded.missing, capture=capture))
    return file

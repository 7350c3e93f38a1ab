"""``refork show``: a run as a timeline, or one of its steps."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from refork.errors import BadInputError

from refork_reports.commands.recorded._expectations import expectation_options

if TYPE_CHECKING:
    from refork.case_capture.loader import LoadedRun
    from refork.config import Config
    from refork.records import Step
    from refork_evals.scan.one_run import BrokenAt

    from refork_reports.views.run_pages.step_marks import StepMarks


@click.command("show")
@run_argument
@db_option
@click.option(
    "--step",
    metavar="STEP",
    help="Show everything about one step: its number, or the name of its agent or tool.",
)
@click.option("--all", "unfold", is_flag=True, help="Show every step, also those that repeat and DBOS's own.")
@expectation_options
@click.option("--html", metavar="FILE", help="Write the run as a page, with every step in full.")
@json_option
@replay_option
@redact_options
def command(
    *,
    run: str,
    db: str,
    step: str | None,
    unfold: bool,
    expect: Sequence[str],
    check: Sequence[str],
    html: str | None,
    as_json: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> None:
    """Show the steps of RUN, an id or the beginning of one.

    What was sent to the model is not recorded: it comes from replaying the
    run with the modules that [tool.refork] app names. That makes no call.

    Steps that repeat, and DBOS's own such as sleeps, are folded. The step that
    broke and those that write are marked.

    Secrets are replaced, as they are when the run is captured.
    """
    from refork.case_capture.case_writer import find_step  # noqa: PLC0415 - `refork --help` needs no pydantic
    from refork.case_capture.failures import failed_child  # noqa: PLC0415
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415

    if html is not None and (step is not None or as_json):
        raise BadInputError("--html writes the whole run: leave --step and --json out")
    what, config = redaction(redact, no_redact=no_redact), project()
    broken = _broken(db, run, expect, check)
    with Loader(db, config, redaction=what, replay=replay, on_note=note) as loader:
        loaded = loader.load(run)
    found = None if step is None else _whole(loaded, find_step(loaded.run, step).number)
    marks = _marks(loaded, config, broken)
    if html is not None:
        click.echo(f"{_write_page(loaded, Path(html), marks, no_redact=no_redact)}")
    elif as_json:
        print_json(_document(loaded, found, marks))
        return
    else:
        _print(loaded, found, marks, unfold=unfold)
    child = failed_child(loaded.run)
    if child is not None:
        note(f"the error arose in the child run {child}: `refork show {child}`")
    if loaded.missing is not None:
        note(loaded.missing)


def _broken(db: str, run: str, expect: Sequence[str], check: Sequence[str]) -> "Sequence[BrokenAt]":
    if not expect and not check:
        return ()
    from refork_evals.scan.one_run import check_run  # noqa: PLC0415 - takes a second to import

    found = check_run(db, run, expect=expect, check=check, on_note=note)
    if isinstance(found, str):
        note(f"the run could not be checked: {found}")
        return ()
    return found


def _marks(loaded: "LoadedRun", config: "Config", broken: "Sequence[BrokenAt]") -> "StepMarks":
    from refork_reports.views.run_pages.step_marks import step_marks  # noqa: PLC0415 - takes a second to import

    return step_marks(loaded.run, config.tool_policy, broken)


def _print(loaded: "LoadedRun", step: "Step | None", marks: "StepMarks", *, unfold: bool) -> None:
    from refork.cli._output.steps import print_header, print_step  # noqa: PLC0415 - `refork --help` needs no pydantic

    from refork_reports.commands.recorded._timeline import print_folded  # noqa: PLC0415

    if step is not None:
        print_step(step)
        return
    print_header(loaded.run)
    print_flags(loaded.flags)
    print_folded(loaded.run, marks, unfold=unfold)


def _whole(loaded: "LoadedRun", number: int) -> "Step":
    return next(step for step in loaded.steps if step.number == number)


def _document(loaded: "LoadedRun", step: "Step | None", marks: "StepMarks") -> dict[str, Any]:
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
        "marks": {
            "broken": sorted(marks.broken),
            "writes": sorted(marks.writes),
            "reasons": [{"step": step, "reason": reason} for step, reason in marks.reasons],
        },
        "missing": loaded.missing,
    }


def _write_page(loaded: "LoadedRun", file: Path, marks: "StepMarks", *, no_redact: bool) -> Path:
    from refork.storage.files import write_atomically  # noqa: PLC0415 - needs pydantic

    from refork_reports.views.run_pages.run_page import render  # noqa: PLC0415 - needs Jinja2

    capture = ["refork", "capture", loaded.run.id, *(["--no-redact"] if no_redact else [])]
    page = render(loaded.run, loaded.steps, missing=loaded.missing, capture=capture, marks=marks)
    write_atomically(file, page)
    return file

"""``refork diff``: two recorded runs, or two trials, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from refork.cli._output.options import (
    given_db,
    json_option,
    optional_db_option,
    redact_options,
    redaction,
    replay_option,
)
from refork.cli._output.tables import note, print_json
from refork.errors import BadInputError

from refork_reports.commands.recorded._expectations import expectation_options

if TYPE_CHECKING:
    from refork.case_capture.loader import Redaction

    from refork_reports.views.run_pages.side_by_side import SideBySide

GOOD: Final = "good"


@dataclass(frozen=True, kw_only=True)
class _Difference:
    """The output of the command, as people and as programs read it. ``notes`` are for stderr."""

    found: "SideBySide"
    document: dict[str, Any]
    notes: Sequence[str] = ()


@click.command("diff")
@click.argument("first", metavar="RUN|TRIAL")
@click.argument("second", metavar="[RUN|TRIAL|good]", required=False)
@expectation_options
@click.option(
    "--results",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Of trials, the results.json, or its folder. Default: those of the last session and of the last "
    "`refork try`.",
)
@click.option("--html", metavar="FILE", help="Write both side by side as a page.")
@optional_db_option
@json_option
@replay_option
@redact_options
def command(
    *,
    first: str,
    second: str | None,
    expect: Sequence[str],
    check: Sequence[str],
    results: Path | None,
    html: str | None,
    db: str | None,
    as_json: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> None:
    """Show where two runs differ, or two trials: the first difference, and then all.

    Without the second run, or with `good`, it is the newest that went well on
    the same input: it succeeded, is not flagged, and meets what --expect and
    --check say. A trial is CASE:VARIANT#N or RUN@STEP:VARIANT#N, such as
    3f2a@7:careful#3, and read from results.json.

    Steps of two runs belong together by kind and name. What only the first has is in [-...-], what only the
    second has in {+...+}. The arguments of steps come from a replay, as for `refork show`.

    Secrets are replaced, as they are when a run is captured.
    """
    from refork_reports.commands.side_by_side._named_trials import is_trial  # noqa: PLC0415 - needs pydantic

    what = redaction(redact, no_redact=no_redact)
    if html is not None and as_json:
        raise BadInputError("--html and --json are two outputs: leave one of them out")
    if is_trial(first) or is_trial(second or ""):
        if expect or check:
            raise BadInputError("--expect and --check find a run that went well: they do not go with trials")
        difference = _of_trials(first, second, results)
    else:
        url = given_db(db)
        other = _good(url, first, expect, check) if second in (None, GOOD) else second
        difference = _of_runs(url, first, str(other), what, replay)
    _show(difference, html, as_json=as_json)


def _good(db: str, run: str, expect: Sequence[str], check: Sequence[str]) -> str:
    from refork_evals.scan.good_runs import good_run  # noqa: PLC0415 - takes a second to import

    return good_run(db, run, expect=expect, check=check, on_note=note)


def _of_runs(db: str, first: str, second: str, what: "Redaction", replay: bool | None) -> _Difference:
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415 - `refork --help` needs no pydantic

    from refork_reports.commands.side_by_side._output import steps_document  # noqa: PLC0415
    from refork_reports.views.run_pages.run_diff import paired, runs_beside  # noqa: PLC0415

    with Loader(db, project(), redaction=what, replay=replay, on_note=note) as loader:
        loaded = [loader.load(run) for run in (first, second)]
    before, after = (replace(each.run, steps=tuple(each.steps)) for each in loaded)
    pairs = paired(before.steps, after.steps)
    return _Difference(
        found=runs_beside(before, after, pairs),
        document={"before": before.id, "after": after.id, "steps": steps_document(pairs)},
        notes=[*dict.fromkeys(each.missing for each in loaded if each.missing is not None)],
    )


def _of_trials(first: str, second: str | None, results: Path | None) -> _Difference:
    from refork.case_capture.loader import project  # noqa: PLC0415 - as above

    from refork_reports.commands.side_by_side._named_trials import TrialFinder, results_files  # noqa: PLC0415
    from refork_reports.commands.side_by_side._output import parts_document  # noqa: PLC0415
    from refork_reports.commands.side_by_side._trials import trials_beside  # noqa: PLC0415

    if second is None:
        raise BadInputError(f"beside {first!r} a second trial must be named, such as CASE:VARIANT#N")
    finder = TrialFinder.of(results_files(project(), results))
    before, after = finder.find(first), finder.find(second)
    found = trials_beside(before, after)
    return _Difference(
        found=found,
        document={"before": before.name, "after": after.name, "parts": parts_document(found)},
    )


def _show(difference: _Difference, html: str | None, *, as_json: bool) -> None:
    from refork_reports.commands.side_by_side._output import lines_of  # noqa: PLC0415 - as above

    if html is not None:
        _write(difference.found, Path(html))
        click.echo(html)
    elif as_json:
        print_json({"version": 1, **difference.document})
    else:
        for line in lines_of(difference.found):
            click.echo(line)
    for said in difference.notes:
        note(said)


def _write(found: "SideBySide", file: Path) -> None:
    from refork.storage.files import write_atomically  # noqa: PLC0415 - needs pydantic

    from refork_reports.views.run_pages.diff_page import render  # noqa: PLC0415 - needs Jinja2

    write_atomically(file, render(found))

"""``refork scan``: which recorded runs went wrong, also of those that DBOS calls a success."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click
from refork.cli._output.options import db_option, json_option, redact_options, redaction, replay_option, since
from refork.cli._output.tables import note, print_json
from refork.errors import BadInputError, ReforkError

from refork_reports.commands.recorded._expectations import expectation_options

if TYPE_CHECKING:
    from refork.case_capture.loader import Redaction
    from refork_evals.scan.results import Scan

SOME_FAIL: Final = 1


class _ScanError(click.ClickException):
    """The scan could not be made. Exit code 1 says that runs fail, so this is another one."""

    exit_code = 2


@click.command("scan")
@db_option
@expectation_options
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow.")
@click.option("--since", "since_text", metavar="WHEN", help="Only runs since then: 7d, 2h, 2026-11-01.")
@click.option("--last", type=click.IntRange(min=1), help="Only so many runs, the newest.  [default: all]")
@click.option("--judge", is_flag=True, help="Allow expectations that ask a model.")
@click.option(
    "--capture",
    "captures",
    is_flag=True,
    help="Write a case of each group, with its expectation. Asks nothing.",
)
@json_option
@replay_option
@redact_options
def command(
    *,
    db: str,
    expect: Sequence[str],
    check: Sequence[str],
    workflow: str | None,
    since_text: str | None,
    last: int | None,
    judge: bool,
    captures: bool,
    as_json: bool,
    replay: bool | None,
    redact: str | None,
    no_redact: bool,
) -> int:
    """Score recorded runs, and show how many fail, since when, and at which step.

    No model is called: a run's result and tool calls are scored as they were
    recorded. Exit code: 0 if no run fails, 1 if some do, 2 if the scan could
    not be made.
    """
    what = redaction(redact, no_redact=no_redact)
    moment = None if since_text is None else since(since_text)
    choice: dict[str, Any] = {"workflow": workflow, "since": moment, "last": last}
    try:
        found = _scanned(db, expect=expect, check=check, judge=judge, **choice)
        _print(found, as_json=as_json)
        if captures:
            _capture(found, db, what, replay, quiet=as_json)
    except BadInputError:
        raise
    except ReforkError as error:
        raise _ScanError(str(error)) from error
    return SOME_FAIL if found.failing else 0


def _scanned(db: str, **choice: Any) -> "Scan":
    from refork_evals.scan.scanning import scan  # noqa: PLC0415 - takes a second to import

    from refork_reports.commands._scan_output import progress  # noqa: PLC0415

    with progress() as advance:
        found = scan(db, **choice, on_progress=advance, on_note=note)
    if found.unscored and not found.runs:
        raise ReforkError(f"none of the runs could be scored: {found.unscored_why}")
    return found


def _print(found: "Scan", *, as_json: bool) -> None:
    from refork_reports.commands._scan_output import document, print_scan  # noqa: PLC0415 - as above

    if as_json:
        print_json(document(found))
    else:
        print_scan(found)


def _capture(found: "Scan", db: str, what: "Redaction", replay: bool | None, *, quiet: bool) -> None:
    """Print a line for each group, apart from the output if that is JSON."""
    from refork.case_capture.loader import Loader, project  # noqa: PLC0415 - as above
    from refork_evals.scan.capturing import capture_groups  # noqa: PLC0415

    from refork_reports.commands._scan_output import next_step, print_captured  # noqa: PLC0415

    config = project()
    with Loader(db, config, redaction=what, replay=replay, on_note=note) as loader:
        written = [print_captured(each, quiet=quiet) for each in capture_groups(found, loader, config.cases)]
    if any(written) and not quiet:
        click.echo(next_step(config.cases))

"""``refork runs``: the recent runs, or those of them that failed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from refork.cli._output.flags import as_json as flags_json
from refork.cli._output.flags import describe_flag
from refork.cli._output.options import db_option, json_option, since
from refork.cli._output.tables import TableColumn, console, note, print_json, print_table
from refork.cli._output.text import ago, first_line, one_line, tokens
from refork.errors import BadInputError
from refork.text.numbers import plural

from refork_reports.commands.recorded._expectations import expectation_options

if TYPE_CHECKING:
    from refork.dbos.reader.recordings import RunSummary
    from refork_evals.scan.failing_runs import FailingRun, FailingRuns

_COLUMNS = (
    TableColumn(title="id"),
    TableColumn(title="workflow", flexible=True),
    TableColumn(title="status"),
    TableColumn(title="when"),
    TableColumn(title="steps", right=True),
    TableColumn(title="tokens", right=True),
    TableColumn(title="error", flexible=True),
)
_FAILING = (
    *_COLUMNS[:-2],
    TableColumn(title="at step", right=True),
    TableColumn(title="what failed", flexible=True),
)
_REASON = TableColumn(title="flagged", flexible=True)
MARK = "⚑"
"""The mark behind the status of a flagged run."""
_SHORT_ID = 8
_LONG_ID = 20
_ROOMY = 120


@click.command("runs")
@db_option
@click.option("--status", metavar="STATUS", multiple=True, help="Only runs of this status, such as error.")
@click.option("--flagged", is_flag=True, help="Only runs that refork.flag marked, with its reasons.")
@click.option(
    "--failing",
    is_flag=True,
    help="Only runs that failed: with an error, or by --expect and --check, or else by what the project's cases "
    "expect. Says at which step.",
)
@expectation_options
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow.")
@click.option("--since", "since_text", metavar="WHEN", help="Only runs since then: 7d, 2h, 2026-11-01.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="The maximum number of runs, newest first.",
)
@json_option
def command(
    *,
    db: str,
    status: Sequence[str],
    flagged: bool,
    failing: bool,
    expect: Sequence[str],
    check: Sequence[str],
    workflow: str | None,
    since_text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List recent runs: id, workflow, status, when, steps, tokens, error."""
    moment = None if since_text is None else since(since_text)
    if failing:
        if status or flagged:
            raise BadInputError("--failing looks at runs of every status: leave --status and --flagged out")
        choice = {"workflow": workflow, "since": moment, "limit": limit}
        _show_failing(db, _failing(db, expect, check, choice), as_json=as_json)
        return
    if expect or check:
        raise BadInputError("--expect and --check say which runs failed: give --failing, too")
    from refork import api  # noqa: PLC0415 - takes a second to import

    found = api.runs(db, status=status, workflow=workflow, since=moment, limit=limit, flagged=flagged)
    if as_json:
        print_json({"version": 1, "runs": [_json(run) for run in found]})
    elif not found:
        narrowed = status or flagged or workflow is not None or since_text is not None
        click.echo("No runs match." if narrowed else "The database holds no runs.")
    else:
        ids = _ids([run.id for run in found])
        columns = [_REASON if flagged and column.title == "error" else column for column in _COLUMNS]
        print_table(columns, [(ids[run.id], *_cells(run, reasons=flagged)) for run in found])


def _failing(db: str, expect: Sequence[str], check: Sequence[str], choice: dict[str, Any]) -> "FailingRuns":
    from refork_evals.scan.failing_runs import failing_runs  # noqa: PLC0415 - takes a second to import

    return failing_runs(db, expect=expect, check=check, on_note=note, **choice)


def _show_failing(db: str, found: "FailingRuns", *, as_json: bool) -> None:
    from refork.dbos.reader.reader import Reader  # noqa: PLC0415 - takes a second to import

    with Reader(db) as reader:
        runs = {run.id: run for run in reader.summaries([failing.id for failing in found.runs])}
    rows = [(runs[failing.id], failing) for failing in found.runs if failing.id in runs]
    if as_json:
        listed = [{**_json(run), "failing": _broken_json(failing)} for run, failing in rows]
        print_json({"version": 1, "applied": found.applied or None, "runs": listed})
        return
    if found.applied:
        note(found.applied)
    if not rows:
        click.echo(
            f"None of {plural(found.looked_at, 'run')} failed." if found.looked_at else "No runs match."
        )
        return
    ids = _ids([run.id for run, _ in rows])
    print_table(_FAILING, [(ids[run.id], *_failing_cells(run, failing)) for run, failing in rows])


def _failing_cells(run: "RunSummary", failing: "FailingRun") -> tuple[str, ...]:
    first = failing.broken[0]
    more = len(failing.broken) - 1
    said = f"{first.what}: {first.reason}" if first.reason else first.what
    return (
        *_cells(run, reasons=False)[:-2],
        "" if first.step is None else str(first.step),
        one_line(f"(+{more}) {said}" if more else said),
    )


def _broken_json(failing: "FailingRun") -> list[dict[str, Any]]:
    return [{"step": each.step, "what": each.what, "reason": each.reason} for each in failing.broken]


def _cells(run: "RunSummary", *, reasons: bool) -> tuple[str, ...]:
    return (
        run.workflow,
        f"{run.status} {MARK}" if run.flags else run.status,
        ago(run.created_at),
        str(run.steps),
        tokens(None if run.usage is None else run.usage.total_tokens),
        "; ".join(map(describe_flag, run.flags)) if reasons else _error(run),
    )


def _error(run: "RunSummary") -> str:
    from refork.redaction.texts import without_secrets  # noqa: PLC0415 - needs pydantic

    return "" if run.error is None else first_line(f"{run.error.type}: {without_secrets(run.error.message)}")


def _ids(ids: Sequence[str]) -> dict[str, str]:
    """Return each id, shortened if space is short to a beginning that no other id of the list shares."""
    if console().width >= _ROOMY or max(map(len, ids)) < _LONG_ID:
        return {run_id: run_id for run_id in ids}
    return {run_id: run_id[: _distinct(run_id, ids)] for run_id in ids}


def _distinct(run_id: str, ids: Sequence[str]) -> int:
    others = [other for other in ids if other != run_id]
    sizes = range(_SHORT_ID, len(run_id))
    return next((n for n in sizes if not any(o.startswith(run_id[:n]) for o in others)), len(run_id))


def _json(run: "RunSummary") -> dict[str, Any]:
    from refork.redaction.texts import without_secrets  # noqa: PLC0415 - needs pydantic

    usage, error = run.usage, run.error
    return {
        "id": run.id,
        "workflow": run.workflow,
        "status": run.status,
        "created_at": None if run.created_at is None else run.created_at.isoformat(),
        "steps": run.steps,
        "usage": None
        if usage is None
        else {
            "calls": usage.calls,
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        },
        "flags": flags_json(run.flags),
        "error": None if error is None else {"type": error.type, "message": without_secrets(error.message)},
    }

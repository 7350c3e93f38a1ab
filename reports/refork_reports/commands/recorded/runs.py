"""Runs ``refork runs``, which lists recent runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from refork.cli._output.flags import as_json as flags_json
from refork.cli._output.flags import describe_flag
from refork.cli._output.options import db_option, json_option, since
from refork.cli._output.tables import TableColumn, console, print_json, print_table
from refork.cli._output.text import ago, first_line, tokens

if TYPE_CHECKING:
    from refork.dbos.reader.recordings import RunSummary

_COLUMNS = (
    TableColumn(title="id"),
    TableColumn(title="workflow", flexible=True),
    TableColumn(title="status"),
    TableColumn(title="when"),
    TableColumn(title="steps", right=True),
    TableColumn(title="tokens", right=True),
    TableColumn(title="error", flexible=True),
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
    workflow: str | None,
    since_text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List recent runs: id, workflow, status, when, steps, tokens, error."""
    moment = None if since_text is None else since(since_text)
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

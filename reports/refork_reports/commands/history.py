"""``refork history``: the pass rates of earlier sessions, and the commits at which cases changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from refork.case_capture.loader import project
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork_reports.history.changes import Point, Series

_MOST_POINTS: Final = 16
"""Sessions that a sparkline of the table has room for."""


@click.command("history")
@click.argument("case", required=False, metavar="[CASE]")
@click.option("--variant", default="current", show_default=True, metavar="VARIANT", help="Of which prompt.")
@click.option("--file", metavar="FILE", help="The history. Default: [tool.refork] history.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N sessions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, case: str | None, variant: str, file: str | None, last: int | None, as_json: bool) -> None:
    """Show how the pass rates of cases changed over the sessions of `pytest --agent-evals`.

    A row for each case: its rates as bars, the oldest first, the last verdict, and the commit at which it last changed.
    With CASE, a row for each session. A `*` after a commit says that tracked files differed from it.
    """
    from refork.cli._output.tables import note, print_json  # noqa: PLC0415

    from refork_reports.history.changes import all_series  # noqa: PLC0415 - pydantic takes a moment to import
    from refork_reports.history.file import read  # noqa: PLC0415

    path = _path(file)
    history = read(path, last=last)
    if not history.sessions:
        raise BadInputError(f"{str(path)!r} holds no session: run `pytest --agent-evals` first")
    series = _chosen(all_series(history.sessions), case, variant)
    if as_json:
        print_json({"version": 1, "series": [_document(each) for each in series]})
    elif case is None:
        _print_cases(series)
    else:
        _print_sessions(series[0])
    if history.unreadable:
        note(f"{str(path)!r}: {history.unreadable} of its lines cannot be read, and are passed over")


def _path(file: str | None) -> Path:
    path = project().history if file is None else Path(file)
    if path is None:
        raise BadInputError("no history is kept: [tool.refork] history is 'off'; name a file, or give --file")
    return path


def _chosen(series: "tuple[Series, ...]", case: str | None, variant: str) -> "list[Series]":
    from refork.text.lines import nearest  # noqa: PLC0415

    cases = {each.case for each in series}
    if case is not None and case not in cases:
        raise BadInputError(f"no case of the history is {case!r}{nearest(case, cases)}")
    of_case = [each for each in series if case in (None, each.case)]
    found = [each for each in of_case if each.variant == variant]
    if not found:
        raise BadInputError(
            f"no variant of the history is {variant!r}{nearest(variant, {each.variant for each in of_case})}"
        )
    return sorted(found, key=lambda each: each.case)


def _print_cases(series: "list[Series]") -> None:
    from refork.cli._output.tables import TableColumn, print_table  # noqa: PLC0415

    from refork_reports.history.words import place_words, sparkline  # noqa: PLC0415

    columns = (
        TableColumn(title="case", flexible=True),
        TableColumn(title="pass rate"),
        TableColumn(title="last", right=True),
        TableColumn(title="verdict"),
        TableColumn(title="changed", flexible=True),
    )
    rows = [
        (
            each.case,
            sparkline(each.rates[-_MOST_POINTS:]),
            _passed(each.points[-1]),
            each.points[-1].cell.verdict.value,
            ""
            if (change := each.last_change) is None or change.changed is None
            else f"{change.changed.direction} {place_words(change.session)}",
        )
        for each in series
    ]
    print_table(columns, rows)


def _print_sessions(series: "Series") -> None:
    from refork.cli._output.tables import TableColumn, print_table  # noqa: PLC0415
    from refork.text.numbers import interval, money  # noqa: PLC0415

    from refork_reports.history.words import change_words, commit_words  # noqa: PLC0415

    columns = (
        TableColumn(title="when"),
        TableColumn(title="commit"),
        TableColumn(title="passed", right=True),
        TableColumn(title="interval", right=True),
        TableColumn(title="verdict", flexible=True),
        TableColumn(title="cost", right=True),
        TableColumn(title="change", flexible=True),
    )
    rows = [
        (
            point.session.started_at.astimezone().strftime("%y-%m-%d %H:%M"),
            commit_words(point.session),
            _passed(point),
            "" if (around := point.cell.interval) is None else interval(around.low, around.high),
            point.cell.verdict.value,
            money(point.cell.cost_usd),
            change_words(point),
        )
        for point in series.points
    ]
    print_table(columns, rows)


def _passed(point: "Point") -> str:
    return f"{point.cell.passes}/{point.cell.measured}"


def _document(series: "Series") -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415
    from refork_evals.results import PastCell  # noqa: PLC0415

    from refork_reports.history.changes import Changed  # noqa: PLC0415

    cells, changes = TypeAdapter(PastCell), TypeAdapter(Changed | None)
    sessions = [
        {
            "started_at": point.session.started_at.isoformat(),
            "commit": point.session.commit,
            "dirty": point.session.dirty,
            "redefined": point.redefined,
            "changed": changes.dump_python(point.changed, mode="json"),
            **cells.dump_python(point.cell, mode="json", exclude={"case", "variant"}),
        }
        for point in series.points
    ]
    return {"case": series.case, "variant": series.variant, "sessions": sessions}

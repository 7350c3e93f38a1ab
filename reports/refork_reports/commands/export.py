"""``refork export``: results as CSV, Parquet, JSON lines or JUnit XML."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from refork.case_capture.loader import project
from refork.cli._output.tables import note
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork_reports.formats.exports import Kind, Table

_KINDS: Final[tuple["Kind", ...]] = ("csv", "parquet", "json", "junit")


@click.command("export")
@click.argument("results", nargs=-1, metavar="[RESULTS]...", type=click.Path(path_type=Path))
@click.option("--csv", is_flag=True, help="Write CSV.")
@click.option("--parquet", is_flag=True, help="Write Parquet. Needs refork[parquet].")
@click.option("--json", is_flag=True, help="Write JSON lines: the rows as results.json holds them.")
@click.option("--junit", is_flag=True, help="Write JUnit XML: a test case for each case and variant.")
@click.option(
    "--table",
    type=click.Choice(["trials", "cells", "scores"]),
    help="What a row is, except in JUnit XML. Default: trials.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file to write.",
)
def command(*, results: tuple[Path, ...], output: Path, table: "Table | None", **chosen: bool) -> None:
    """Write results for other programs: CSV, Parquet, JSON lines or JUnit XML.

    RESULTS are results.json files, or folders that hold one (default: [tool.refork] report). Several are merged: of
    the same case under the same variant, the one named last is taken, and a line says so.
    """
    from refork_reports.formats.exports import export  # noqa: PLC0415 - pydantic takes half a second to import
    from refork_reports.results_file.merge import read_merged  # noqa: PLC0415

    kinds: list[Kind] = [kind for kind in _KINDS if chosen[kind]]
    if len(kinds) != 1:
        raise BadInputError("an export is of one kind: give one of --csv, --parquet, --json and --junit")
    if table is not None and kinds == ["junit"]:
        raise BadInputError("--table does not go with --junit, whose test cases are cells: leave it out")
    evaluation = read_merged(results or (project().report,))
    for line in evaluation.notes:
        note(line)
    export(evaluation, output, kinds[0], table or "trials")

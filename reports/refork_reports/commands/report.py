"""``refork report``: a report again from results.json, or one of several."""

from pathlib import Path

import click
from refork.case_capture.loader import project
from refork.cli._output.tables import note


@click.command("report")
@click.argument("results", nargs=-1, metavar="[RESULTS]...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The report to write: .html, .md or .json, or a folder for all three.",
)
def command(*, results: tuple[Path, ...], output: Path) -> None:
    """Make a report again from results.json, or one of several.

    No case, no code of the project and no model is needed. RESULTS are results.json files, or folders that hold one
    (default: [tool.refork] report). Several become one report: of the same case under the same variant, the one named
    last is taken, and a line says so.
    """
    from refork_reports.formats.saving import save  # noqa: PLC0415 - pydantic takes half a second to import
    from refork_reports.results_file.merge import read_merged  # noqa: PLC0415
    from refork_reports.results_file.one_of_many import evaluation_of  # noqa: PLC0415

    merged = read_merged(results or (project().report,))
    for line in merged.notes:
        note(line)
    click.echo(f"report: {save(evaluation_of(merged), output)}")

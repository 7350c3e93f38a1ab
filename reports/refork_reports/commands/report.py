"""``refork report``: a report again from results.json, or one of several."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from refork.case_capture.loader import project
from refork.cli._output.tables import note
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork_evals.results import SuiteResult


@click.command("report")
@click.argument("results", nargs=-1, metavar="[RESULTS]...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The report to write: .html, .md or .json, or a folder for all three.",
)
@click.option("--mlflow", metavar="URI", help="Log it as a run of MLflow at this tracking server.")
@click.option("--mlflow-experiment", metavar="NAME", help="The experiment of that run.")
def command(
    *, results: tuple[Path, ...], output: Path | None, mlflow: str | None, mlflow_experiment: str | None
) -> None:
    """Make a report again from results.json, or one of several.

    No case, no code of the project and no model is needed. RESULTS are results.json files, or folders that hold one
    (default: [tool.refork] report). Several become one report: of the same case under the same variant, the one named
    last is taken, and a line says so.
    """
    from refork_reports.formats.saving import save  # noqa: PLC0415 - pydantic takes half a second to import
    from refork_reports.results_file.merge import read_merged  # noqa: PLC0415
    from refork_reports.results_file.one_of_many import contradictions_refused, evaluation_of  # noqa: PLC0415

    if output is None and mlflow is None:
        raise BadInputError(
            "nothing to do: name a report with -o, such as -o report.html, or a server with --mlflow"
        )
    merged = read_merged(results or (project().report,))
    for line in merged.notes:
        note(line)
    evaluation = evaluation_of(merged)
    if output is not None:
        with contradictions_refused():
            click.echo(f"report: {save(evaluation, output)}")
    if mlflow is not None:
        _log(evaluation, mlflow, mlflow_experiment)


def _log(evaluation: "SuiteResult", uri: str, experiment: str | None) -> None:
    from refork_reports.formats import html  # noqa: PLC0415
    from refork_reports.mlflow_runs.apart import upload_apart  # noqa: PLC0415
    from refork_reports.mlflow_runs.upload import Target  # noqa: PLC0415
    from refork_reports.results_file.one_of_many import contradictions_refused  # noqa: PLC0415

    with TemporaryDirectory(prefix="refork-") as folder:
        with contradictions_refused():
            html.write(evaluation, Path(folder))
        run = upload_apart(Path(folder), Target(uri=uri, experiment=experiment))
    click.echo(f"mlflow: run {run.run_id} in experiment {run.experiment_id}")

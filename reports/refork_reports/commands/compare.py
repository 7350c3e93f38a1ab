"""Runs ``refork compare``, which compares variants of the last session."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from refork.case_capture.loader import project
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork_evals.verdicts.comparison import Arm

    from refork_reports.results_file.schema import Results


@click.command("compare")
@click.argument("variants", nargs=-1, metavar="[VARIANT]...")
@click.option(
    "--against", default="current", show_default=True, metavar="VARIANT", help="What to compare with."
)
@click.option("--report", metavar="FOLDER", help="The folder of results.json. Default: [tool.refork] report.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, variants: tuple[str, ...], against: str, report: str | None, as_json: bool) -> None:
    """Compare variants over all cases of the last `pytest --agent-evals`.

    Each VARIANT (default: all) is compared with another one, case by case: the difference in pass rate for these
    cases, the estimate for cases like these, tokens, cost and time, and the cases that flipped.
    """
    from pydantic import TypeAdapter  # noqa: PLC0415
    from refork.records.variant import CURRENT  # noqa: PLC0415
    from refork.text.escape import escape_controls  # noqa: PLC0415
    from refork_evals.results import VariantComparison  # noqa: PLC0415
    from refork_evals.verdicts.comparison import compare, margin_of  # noqa: PLC0415 - SciPy takes a second to import

    from refork_reports.results_file.entry import Plain  # noqa: PLC0415
    from refork_reports.results_file.read import RESULTS, read  # noqa: PLC0415
    from refork_reports.sentences.claims import lines  # noqa: PLC0415
    from refork_reports.sentences.statistics.comparisons import details, line  # noqa: PLC0415

    config = project()
    folder = config.report if report is None else Path(report)
    results = read(folder / RESULTS)
    arms = _arms(results, {against, *variants} if variants else None)
    known = {cell.variant for case in results.cases for cell in case.cells}
    _check((against, *variants), known)
    found = compare(arms, against=against, alpha=results.alpha, margin=margin_of(config.smallest_drop))
    if as_json:
        plain = TypeAdapter(list[Plain[VariantComparison]])
        document = plain.dump_python(plain.validate_python(found), mode="json")
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    if not found:
        raise BadInputError(f"nothing was measured beside {against!r}: run `pytest --agent-evals` first")
    for each in found:
        click.echo(escape_controls(line(each)))
        for sentence in details(each):
            click.echo(f"  {escape_controls(sentence)}")
    if not variants and against == CURRENT:
        for said in lines(results.recommendations):
            click.echo(escape_controls(said))


def _arms(results: "Results", wanted: set[str] | None) -> "list[Arm]":
    from refork_evals.verdicts.comparison import arm_of  # noqa: PLC0415

    return [
        arm_of(case.name, cell, guard=case.guard)
        for case in results.cases
        for cell in case.cells
        if cell.pass_rate is not None and (wanted is None or cell.variant in wanted)
    ]


def _check(names: tuple[str, ...], known: set[str]) -> None:
    from refork.text.lines import nearest  # noqa: PLC0415

    for name in names:
        if name not in known:
            raise BadInputError(f"no variant of the last session is named {name!r}{nearest(name, known)}")

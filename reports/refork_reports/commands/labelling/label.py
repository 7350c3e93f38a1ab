"""Runs ``refork label``: a person labels a case's outputs, so that its judge can be checked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from refork.case_capture.loader import project
from refork.cli._output.tables import note, terminal
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.config import Config
    from refork.records import Case
    from refork_evals.agreement.rubrics import Rubric

    from refork_reports.commands.labelling._keyboard import Keys
    from refork_reports.commands.labelling._labelling import Question, Sitting
    from refork_reports.results_file.schema import CaseEntry

SHOWN: Final = 4_000
"""Characters of an output that are shown until somebody asks for more."""
_INDENT: Final = "  "
_KEYS: Final = "y passes, n fails, s skip, u undo, q quit"


@click.command("label")
@click.argument("case", metavar="CASE")
@click.option("--report", metavar="FOLDER", help="The folder of results.json. Default: [tool.refork] report.")
@click.option("--again", is_flag=True, help="Also ask about outputs that are already labelled.")
def command(*, case: str, report: str | None, again: bool) -> None:
    """Label the outputs of CASE, so that its judge can be checked.

    Shows the outputs of the last `pytest --agent-evals` and of the recorded run one by one, each with its rubric, as
    the judge saw them. Hides which variant an output came from and what the judge said. Every label is written to
    labels.jsonl in the case's folder at once, so you can stop at any time and continue later.
    """
    from refork_evals.agreement.labels import LABELS_FILE, load_labels, save_labels  # noqa: PLC0415 - see show
    from refork_evals.agreement.rubrics import rubrics  # noqa: PLC0415

    from refork_reports.commands.labelling._keyboard import keys  # noqa: PLC0415
    from refork_reports.commands.labelling._labelling import questions, sitting  # noqa: PLC0415

    config = project()
    found = _case(config, case)
    asked = rubrics(found)
    if not asked:
        raise BadInputError(_no_judge(found))
    folder = config.report if report is None else Path(report)
    pile = questions(found, asked, _measured(folder, found))
    if not pile:
        raise BadInputError(f"case {case!r} has no output to label: run `pytest --agent-evals` first")
    home = found.folder
    made = sitting(pile, load_labels(home), lambda labels: save_labels(home, labels), again=again)
    if not made.count:
        click.echo(f"all {len(pile)} are labelled; --again asks about them again")
        return
    if not terminal():
        raise BadInputError("labels are asked for in a terminal, and stdin or stdout is none: run it in one")
    try:
        with keys() as pressed:
            _ask(made, asked, pressed)
    finally:
        click.echo(_told(made, _relative(home / LABELS_FILE)))


def _case(config: "Config", name: str) -> "Case":
    from refork.case_files.case_file import load_case  # noqa: PLC0415 - `refork --help` needs no pydantic
    from refork.case_files.finding import case_file_named  # noqa: PLC0415

    return load_case(case_file_named(name, config.cases))


def _no_judge(case: "Case") -> str:
    inside = "; one inside all, any or not is not checked" if "judge" in str(case.expect) else ""
    return f"case {case.name!r} has no judge among its expectations, so there is nothing to check{inside}"


def _measured(folder: Path, case: "Case") -> "CaseEntry | None":
    """Return the case in the last report. Prints a note if there is none."""
    from refork_reports.results_file.read import RESULTS, read  # noqa: PLC0415

    file = folder / RESULTS
    if not file.exists():
        note(
            f"{_relative(file)!r} does not exist, so only the recorded answer is asked about; run pytest --agent-evals"
        )
        return None
    entry = next((entry for entry in read(file).cases if entry.name == case.name), None)
    if entry is None:
        note(f"{_relative(file)!r} holds no case {case.name!r}, so only the recorded answer is asked about")
    return entry


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _ask(made: "Sitting", rubrics: "Sequence[Rubric]", pressed: "Keys") -> None:
    while (question := made.question) is not None:
        pressed.forget()
        _show(made, question, several=len(rubrics) > 1)
        if not _answered(made, question, pressed):
            return


def _answered(made: "Sitting", question: "Question", pressed: "Keys") -> bool:
    """Ask until a key answers the question. Returns False to quit."""
    acts: dict[str, Callable[[], object]] = {
        "y": lambda: made.label(passes=True),
        "n": lambda: made.label(passes=False),
        "s": made.skip,
    }
    more = len(question.material) > SHOWN
    while True:
        click.echo(f"{_KEYS}{', m more' if more else ''}: ", nl=False)
        key = pressed.read().casefold()
        if key in ("q", ""):
            click.echo("quit")
            return False
        click.echo({"y": "passes", "n": "fails", "s": "skipped", "u": "undo", "m": "more"}.get(key, "?"))
        if key in acts:
            acts[key]()
            return True
        if key == "u" and made.undo():
            return True
        if key == "u":
            click.echo("nothing to undo: this is the first of this sitting")
        if key == "m" and more:
            _block(question.material)


def _show(made: "Sitting", question: "Question", *, several: bool) -> None:
    from refork.text.escape import clipped  # noqa: PLC0415

    click.echo(f"\n--- {made.position} of {made.count} ---")
    click.echo("Rubric" if not several else f"Rubric (expect[{question.rubric.place}])")
    _block(question.rubric.text)
    click.echo("Output")
    head, tail, left_out = clipped(question.material, SHOWN)
    _block(head)
    if left_out:
        click.echo(f"  ... {left_out:,} characters left out: m shows them ...")
        _block(tail)


def _block(text: str) -> None:
    """Print text indented and wrapped to the terminal's width, with characters that a terminal would execute
    spelled out.
    """
    from refork.text.escape import escape_controls  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 - `refork --help` needs no tables
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    # Text is not parsed: `[bold]` in an output stays what it is.
    shown = Text(escape_controls(text).expandtabs(4) or "(empty)")
    for line in shown.wrap(console, max(10, console.width - len(_INDENT)), overflow="fold"):
        click.echo(_INDENT + line.plain.rstrip())


def _told(made: "Sitting", file: str) -> str:
    passes = sum(label.passes for label in made.given)
    given = len(made.given)
    said = f"{given} labelled ({passes} pass, {given - passes} fail), {made.left} left"
    return f"{said}; in {file}" if made.labels else said

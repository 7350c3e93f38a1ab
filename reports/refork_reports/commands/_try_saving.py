"""Saves what ``refork try`` tried, under a name that was given or that a person at the terminal gives."""

import sys
from typing import TYPE_CHECKING

import click
from refork.cli._capture.capture_messages import near
from refork.cli._output.tables import note
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.config import Config

    from refork_reports.tryout.question import Question


def save_tried(question: "Question", name: str, config: "Config") -> None:
    """Write the cases and prompts of a question, and say where. Raises BadInputError for a name that is taken."""
    from refork_reports.tryout.saving import save  # noqa: PLC0415 - needs pydantic

    saved = save(question, name, config)
    for path in (*saved.cases, *saved.prompts):
        note(f"{near(path)} is written")


def offer_to_save(question: "Question", config: "Config") -> None:
    """Ask at a terminal for a name to save under, until one can be used or none is given; elsewhere name the option."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo("\nNext: the same with --save NAME, which makes a regression test of it")
        return
    click.echo()
    while name := click.prompt(
        "Save it as a regression test? Name of the case, or Enter for no", default="", show_default=False
    ).strip():
        try:
            save_tried(question, name, config)
        except BadInputError as error:
            note(str(error))
        else:
            break

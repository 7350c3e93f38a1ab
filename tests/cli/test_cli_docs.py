"""``docs/cli.md`` says what the commands say."""

import click
from refork.cli import commands
from support.cli_docs import PAGE, current, documented


def test_the_help_texts_in_the_docs_are_current() -> None:
    assert PAGE.read_text() == current(), "run: PYTHONPATH=tests python -m support.cli_docs"


def test_every_command_is_in_the_docs() -> None:
    names = commands.list_commands(click.Context(commands))
    assert documented() == {"refork", *names}

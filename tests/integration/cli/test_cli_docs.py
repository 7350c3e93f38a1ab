"""``docs/cli.md`` shows every command."""

import click
from refork.cli import commands
from support.cli_docs import documented


def test_every_command_is_in_the_docs() -> None:
    names = commands.list_commands(click.Context(commands))
    assert documented() == {"refork", *names}

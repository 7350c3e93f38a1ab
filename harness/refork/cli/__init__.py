"""The command ``refork``. Each command is found by name in the entry-point group ``refork.commands``."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

from refork.cli._output.text import one_line, printable
from refork.errors import BadInputError, ReforkError, TypesNotRegisteredError
from refork.version import __version__

GROUP: Final = "refork.commands"
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 1
"""The exit code for a closed pipe. Click uses the same one if the pipe breaks before the last line."""


class Commands(click.Group):
    """Imports a command when it is used. If one cannot be imported, it says so, and the others still work."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        found = next(iter(entry_points(group=GROUP, name=cmd_name)), None)
        return None if found is None else _loaded(found)


def _loaded(entry: EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except Exception as error:
        return _broken(entry, f"{type(error).__name__}: {error}")
    if not isinstance(command, click.Command):
        return _broken(entry, f"{entry.value!r} is not a click command")
    return command


def _broken(entry: EntryPoint, problem: str) -> click.Command:
    package = f" of {entry.dist.name!r}" if entry.dist is not None else ""

    def refuse() -> None:
        raise ReforkError(f"the command {entry.name!r}{package} cannot be loaded: {one_line(problem)}")

    context = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(
        entry.name,
        callback=refuse,
        help="(cannot be loaded)",
        context_settings=context,
        add_help_option=False,
    )


@click.group(
    cls=Commands,
    name="refork",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="refork", message="%(prog)s %(version)s")
def commands() -> None:
    """A failing agent run in, a regression test out.

    Look at the runs of a DBOS system database, and capture one as a case that
    `pytest --agent-evals` forks at the bad step. The database is only read.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 2 for bad input, 1 for other errors, 130 for Ctrl-C."""
    _never_fail_to_print()
    try:
        code = commands.main(
            args=None if args is None else list(args), prog_name="refork", standalone_mode=False
        )
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet_pipe()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return _fail(_usage(error), error.exit_code)
    except ReforkError as error:
        _fail(str(error), 1)
        if isinstance(error, TypesNotRegisteredError):
            click.echo("\n".join(printable(line) for line in ("", *error.code.splitlines())), err=True)
        return 2 if isinstance(error, BadInputError) else 1
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    said = message[:1].lower() + message[1:].rstrip(".")
    return said if context is None else f"{said}; see `{context.command_path} --help`"


def _fail(message: str, code: int) -> int:
    from refork.redaction.texts import without_secrets  # noqa: PLC0415 - `refork --help` needs none of it

    click.echo(f"refork: {printable(without_secrets(' '.join(message.split())))}", err=True)
    return code


def _never_fail_to_print() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows an escape, not a traceback.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _quiet_pipe() -> int:
    """Keep the interpreter from writing to a closed pipe at exit, after the reader of our output has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE

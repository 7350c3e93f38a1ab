"""Writes the help texts of the command line into ``docs/cli.md``.

Usage: ``PYTHONPATH=tests python -m support.cli_docs``. A test checks that the page is current.
"""

import re
from pathlib import Path

from click.testing import CliRunner
from refork.cli import commands

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
_BLOCK = re.compile(r"(<!-- help: (?P<name>[\w ]+) -->\n)(?:```text\n.*?```\n)?", re.DOTALL)


def current() -> str:
    """The page with the help texts of today."""
    return _BLOCK.sub(lambda found: found[1] + f"```text\n{help_of(found['name'])}\n```\n", PAGE.read_text())


def documented() -> set[str]:
    return {found["name"] for found in _BLOCK.finditer(PAGE.read_text())}


def help_of(name: str) -> str:
    """What ``refork --help`` or ``refork NAME --help`` prints, 80 columns wide."""
    args = ["--help"] if name == "refork" else [name, "--help"]
    done = CliRunner().invoke(commands, args, prog_name="refork", terminal_width=80)
    assert done.exit_code == 0, f"docs/cli.md documents {name!r}, which is no command"
    return done.output.rstrip()


if __name__ == "__main__":
    PAGE.write_text(current())

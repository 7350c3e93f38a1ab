"""Flags of runs on the command line: why production code, or somebody's feedback, called a run bad."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from refork.cli._output.text import one_line

if TYPE_CHECKING:
    from refork.dbos.reader.recordings import Flag


def describe_flag(flag: "Flag") -> str:
    """Return a flag as one line: ``step 5: says revenue rose``."""
    where = "" if flag.step is None else f"step {flag.step}: "
    return one_line(f"{where}{flag.reason}")


def print_flags(flags: "Sequence[Flag]") -> None:
    for flag in flags:
        click.echo(f"flagged: {describe_flag(flag)}")


def as_json(flags: "Sequence[Flag]") -> list[dict[str, Any]]:
    return [
        {"reason": flag.reason, "step": flag.step, "at": None if flag.at is None else flag.at.isoformat()}
        for flag in flags
    ]

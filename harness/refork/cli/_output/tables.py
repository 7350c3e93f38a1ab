"""Prints tables that stay readable on a narrow terminal, and JSON without control characters."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from refork.cli._output.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

_GAP: Final = "  "
_LEAST: Final = 10
"""Terminal columns that a flexible column keeps."""
_UNLIMITED: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column. ``flexible`` columns shrink if there is not enough space for all."""

    title: str
    right: bool = False
    flexible: bool = False


def console() -> "Console":
    """Return the console for tables. In a file or a pipe, they are as wide as needed unless COLUMNS is set."""
    from rich.console import Console  # noqa: PLC0415 - `refork --help` needs no tables

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _UNLIMITED
    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def error_console() -> "Console":
    """Return the console for progress."""
    from rich.console import Console  # noqa: PLC0415 - see console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def print_table(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> None:
    """Print one line for each row, or several if the terminal is too narrow."""
    from rich.text import Text  # noqa: PLC0415 - see console

    to = console()
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = _widths(columns, cells, to.width)
    if widths is None:
        for line in _blocks(columns, cells, to.width):
            to.print(Text(line))
        return
    to.print(Text(_line(columns, [column.title for column in columns], widths), style="bold"))
    for row in cells:
        # Text is not parsed: `[bold]` in an output stays what it is.
        to.print(Text(_line(columns, row, widths)))


def _widths(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the terminal columns of each column; the widest flexible ones shrink first. None if there is not
    enough space.
    """
    from rich.cells import cell_len  # noqa: PLC0415 - see console

    widths = [
        max(cell_len(text) for text in (column.title, *(row[index] for row in rows)))
        for index, column in enumerate(columns)
    ]
    excess = sum(widths) + len(_GAP) * (len(columns) - 1) - room
    while excess > 0:
        flexible = [
            index for index, column in enumerate(columns) if column.flexible and widths[index] > _LEAST
        ]
        if not flexible:
            return None
        widest = max(flexible, key=lambda index: widths[index])
        # Down to the next widest, so that columns of a size shrink together.
        others = [widths[index] for index in flexible if widths[index] < widths[widest]]
        give = min(excess, max(1, widths[widest] - max([*others, _LEAST])))
        widths[widest] -= give
        excess -= give
    return widths


def _line(columns: Sequence[TableColumn], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        _padded(cell, width, column) for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _padded(cell: str, width: int, column: TableColumn) -> str:
    from rich.cells import cell_len  # noqa: PLC0415 - see console

    text = _cut(cell, width)
    space = " " * (width - cell_len(text))
    return space + text if column.right else text + space


def _cut(text: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - see console

    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def _blocks(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], room: int) -> Iterator[str]:
    for row in rows:
        cells = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell]
        fixed = _GAP.join(cell for column, cell in cells if not column.flexible)
        if fixed:
            yield _cut(fixed, room)
        for column, cell in cells:
            if column.flexible:
                yield _cut(f"  {column.title}: {cell}", room)


def print_json(document: Any) -> None:
    """Print JSON with an indent of two, in ASCII: JSON's own escapes leave nothing for a terminal to execute."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))


def note(text: str) -> None:
    """Print a line for people to stderr, apart from the output."""
    click.echo(f"refork: {one_line(text)}", err=True)


def terminal() -> bool:
    """Return whether a person can be asked on this terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()

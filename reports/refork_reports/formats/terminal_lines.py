"""Lines for a terminal, as styled segments. The code that prints them chooses the colours."""

from textwrap import wrap
from typing import Final, Literal, NamedTuple, TypeAlias

from refork.text.escape import escape_controls
from rich.cells import cell_len

Style = Literal[
    "plain", "dim", "heading", "pass", "fail", "held", "dropped", "inconclusive", "error", "stale"
]


class Segment(NamedTuple):
    """A stretch of text without line feeds, and the name of its style."""

    text: str
    style: Style = "plain"


Line: TypeAlias = tuple[Segment, ...]

MARKUP: Final[dict[Style, dict[str, bool]]] = {
    "plain": {},
    "dim": {"light": True},
    "heading": {"bold": True},
    "pass": {"green": True},
    "fail": {"red": True},
    "held": {"green": True},
    "dropped": {"red": True},
    "inconclusive": {"yellow": True},
    "error": {"red": True, "bold": True},
    "stale": {"cyan": True},
}
"""A style as keyword arguments of pytest's ``TerminalReporter.write``."""

ICONS: Final[dict[str, str]] = {
    "pass": "✓",
    "fail": "✗",
    "held": "✓",
    "dropped": "✗",
    "inconclusive": "?",
    "error": "!",
    "stale": "~",
}
_ASCII: Final = str.maketrans(
    {"✓": "+", "✗": "x", "–": "-", "−": "-", "…": "~", "·": "-", "×": "x", "⟨": "<", "⟩": ">"}
)


def wrapped(text: str, width: int, style: Style = "inconclusive", indent: str = "  ") -> list[Line]:
    """Return a text on lines of at most ``width`` columns."""
    # Half the width for text whose characters may take two columns each.
    shown = escape_controls(text)
    room = width if cell_len(shown) == len(shown) else width // 2
    return [(Segment(line, style),) for line in wrap(shown, room, subsequent_indent=indent)]


def in_ascii(segment: Segment) -> Segment:
    """Return a segment for a terminal that cannot show more than ASCII."""
    text = "".join(
        character if character.isascii() else "?" * cell_len(character)
        for character in segment.text.translate(_ASCII)
    )
    return Segment(text, segment.style)

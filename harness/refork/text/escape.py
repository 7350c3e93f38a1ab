"""Makes hostile text harmless to look at: what a terminal or a browser would execute is spelled out."""

import re
import unicodedata
from typing import Final

from markupsafe import Markup, escape

_OBEYED: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, save tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb"  # invisible
    "\U000e0000-\U000e007f"  # tags: invisible ASCII
    "\ud800-\udfff"  # lone surrogates: no encoder takes them
    "]"
)

_NAMES: Final = {0x00: "NUL", 0x07: "BEL", 0x08: "BS", 0x0D: "CR", 0x1B: "ESC", 0x7F: "DEL"}

OUTPUT_LIMIT: Final = 6_000
"""Characters of one text that the HTML report shows; results.json contains all of it."""


def escape_controls(text: str, *, mark: str = "") -> str:
    """``text`` with each control, bidirectional or invisible character as ``⟨ESC⟩`` or ``⟨U+202E⟩``, after ``mark``."""
    return _OBEYED.sub(lambda match: mark + _spelled(match.group()), text.replace("\r\n", "\n"))


def control_titles(text: str) -> dict[str, str]:
    """Return the code and the name of each character that :func:`escape_controls` spells out, by its spelling."""
    return {_spelled(found): _title(found) for found in _OBEYED.findall(text.replace("\r\n", "\n"))}


def escape_html(text: str) -> Markup:
    """As :func:`escape_controls`, escaped for HTML, each spelled-out character in a ``span`` that names it."""
    text = text.replace("\r\n", "\n")
    parts: list[Markup] = []
    position = 0
    for match in _OBEYED.finditer(text):
        parts += [escape(text[position : match.start()]), _marked(match.group())]
        position = match.end()
    return Markup("").join([*parts, escape(text[position:])])


def first_line(text: str, limit: int = 160) -> str:
    """Return the first line of ``text`` that is not blank, at most ``limit`` characters."""
    line = next((line.strip() for line in text[: limit * 20].splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clipped(text: str, limit: int = OUTPUT_LIMIT) -> tuple[str, str, int]:
    """Return the beginning and the end of a long text, and the number of characters between them that are left out."""
    if len(text) <= limit:
        return text, "", 0
    tail = limit // 4
    return text[: limit - tail], text[-tail:], len(text) - limit


def _spelled(character: str) -> str:
    return f"⟨{_NAMES.get(ord(character)) or _code(character)}⟩"


def _marked(character: str) -> Markup:
    markup = Markup('<span class="control" title="{}">{}</span>')
    return markup.format(_title(character), _spelled(character))


def _title(character: str) -> str:
    return f"{_code(character)} {unicodedata.name(character, 'control character')}"


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"

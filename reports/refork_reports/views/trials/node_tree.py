"""Turns what our own templates render into data, from which the page's script makes nodes without reading markup."""

from html.parser import HTMLParser
from typing import Any, Final

_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta"})
_SPELLINGS: Final = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}
"""Attributes of SVG as it spells them: the parser gives all names in lower case."""


def node_tree(markup: str) -> list[Any]:
    """Return the nodes of ``markup``: a text as a string, an element as ``[tag, attributes, *children]``."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    if len(reader.open) != 1:
        raise ValueError(f"the template leaves <{reader.open[-1][0]}> open")
    return reader.open[0][2:]


class _Reader(HTMLParser):
    """Collects the nodes. ``open`` are the elements that are not closed, the outermost first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[list[Any]] = [["", {}]]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self.open.append(self.open[-1][-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {_SPELLINGS.get(name, name): value or "" for name, value in attrs}
        self.open[-1].append([tag, attributes])

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        if closed[0] != tag:
            raise ValueError(f"the template closes <{closed[0]}> by </{tag}>")

    def handle_data(self, data: str) -> None:
        parent = self.open[-1]
        if len(parent) > 2 and isinstance(parent[-1], str):
            parent[-1] += data
        else:
            parent.append(data)

"""Where something that must go stands in a text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

PLACEHOLDER: Final = re.compile(r"<(?:secret:)?[a-z-]+:\d+>")


@dataclass(frozen=True)
class Span:
    """``text[start:end]`` is of ``kind``. ``sure``: its form alone says so, wherever it stands."""

    start: int
    end: int
    kind: str
    sure: bool = True


Finder: TypeAlias = Callable[[str], Iterator[Span]]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A regular expression and its cheap precondition: one of ``needles`` stands in the text, in any case.

    ``accepts`` sees what was matched and has the last word. With ``near``, a match begins at most so many
    characters before a needle and ends at most so many behind it: for expressions that are slow to search for.
    """

    kind: str
    regex: re.Pattern[str]
    needles: tuple[str, ...]
    group: int = 0
    sure: bool = True
    accepts: Callable[[str], bool] = bool
    near: tuple[int, int] | None = None

    def find(self, text: str, lowered: str) -> Iterator[Span]:
        if not any(needle in lowered for needle in self.needles):
            return
        for match in self._matches(text, lowered):
            start, end = match.span(self.group)
            if start < end and not PLACEHOLDER.search(found := match[self.group]) and self.accepts(found):
                yield Span(start, end, self.kind, self.sure)

    def _matches(self, text: str, lowered: str) -> Iterator[re.Match[str]]:
        # A few letters become two when lowered, and then no place in one text is that in the other.
        if self.near is None or len(text) != len(lowered):
            yield from self.regex.finditer(text)
            return
        before, behind = self.near
        searched = 0
        for at in sorted(at for needle in self.needles for at in _places(lowered, needle)):
            for start in range(max(searched, at - before), at + 1):
                match = self.regex.match(text, start, at + behind)
                if match is not None:
                    searched = match.end()
                    yield match
                    break


def _places(text: str, needle: str) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))


def all_of(patterns: Sequence[Pattern], text: str) -> Iterator[Span]:
    lowered = text.lower()
    for pattern in patterns:
        yield from pattern.find(text, lowered)


def apart(spans: Sequence[Span]) -> list[Span]:
    """The spans in order, none over another: of two that overlap, the one that begins first or is longer."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept

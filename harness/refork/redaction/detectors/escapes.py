"""Removes the escapes of JSON within text, because the letters of an escaped line break do not belong to a word."""

import re
from bisect import bisect_right
from dataclasses import replace
from typing import Final

from refork.redaction.detectors.spans import TextSpan

_BREAK: Final = re.compile(r"\\{1,8}[nrt]")
_LETTER: Final = re.compile(r"\\{1,8}u([0-9a-fA-F]{4})")


class Unescaped:
    """A text without its escapes, and the position of each character in the original text."""

    def __init__(self, written: str) -> None:
        self._places = [(0, 0)]
        if "\\" not in written:
            self.text = written
            return
        if "\\u" in written:
            written = self._letters(written)
        self.text = _BREAK.sub(lambda found: "\n".rjust(len(found[0])), written)

    def _letters(self, written: str) -> str:
        parts: list[str] = []
        at = shorter = 0
        for found in _LETTER.finditer(written):
            letter = chr(int(found[1], 16))
            if not letter.isalnum():
                continue
            parts += [written[at : found.start()], letter]
            at = found.end()
            shorter += len(found[0]) - 1
            self._places.append((at - shorter, at))
        return "".join([*parts, written[at:]])

    def original(self, span: TextSpan) -> TextSpan:
        """The same span of the text as it is written."""
        if len(self._places) == 1:
            return span
        return replace(span, start=self._at(span.start), end=self._at(span.end - 1) + 1)

    def _at(self, place: int) -> int:
        reads, written = self._places[bisect_right(self._places, (place, place + 10**12)) - 1]
        return written + place - reads

"""Marks the words of a text that a scorer decided by. The text stays text: it is cut into parts, and no markup."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from refork_evals.scorers.decisive_words import DecisiveWords

_MOST: Final = 50
"""So many marks are made in one text."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a text. ``outcome`` is what its words make of ``scorer``, such as ``fail``; empty for the rest."""

    text: str
    outcome: str = ""
    scorer: str = ""


@dataclass(frozen=True)
class MarkedText:
    """A text as the parts that it consists of."""

    parts: tuple[Part, ...]


def marked(text: str, words: Sequence[DecisiveWords], *, is_json: bool = False) -> str | MarkedText:
    """Return ``text`` with ``words`` marked where they stand; ``text`` itself if it holds none of them.

    In JSON, words are searched for as JSON spells them.
    """
    wanted = {(_as_json(each.text) if is_json else each.text): each for each in words}
    if not any(each in text for each in wanted):
        return text
    longest_first = sorted(wanted, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return MarkedText(tuple(_parts(text, pattern, wanted)))


def _parts(text: str, pattern: re.Pattern[str], wanted: dict[str, DecisiveWords]) -> Iterator[Part]:
    at = 0
    for count, match in enumerate(pattern.finditer(text)):
        if count == _MOST:
            break
        if match.start() > at:
            yield Part(text=text[at : match.start()])
        found = wanted[match.group()]
        yield Part(text=match.group(), outcome="pass" if found.passes else "fail", scorer=found.scorer)
        at = match.end()
    if at < len(text):
        yield Part(text=text[at:])


def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]

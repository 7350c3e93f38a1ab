"""Explains the words of statistics, in the words of docs/glossary.md, where a page uses them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word and its meaning. ``pattern`` matches it in a sentence; ``anchor`` names its explanation on a page."""

    name: str
    meaning: str
    pattern: str

    @property
    def anchor(self) -> str:
        return f"word-{re.sub(r'[^a-z0-9]+', '-', self.name.replace('^', ' hat ').lower()).strip('-')}"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a sentence, with the word that it is, if it is one."""

    text: str
    word: Word | None = None


WORDS: Final = (
    Word(
        name="interval",
        meaning=(
            "The range in which the true pass rate lies with 95% confidence, whatever trials that could not be "
            "measured would have been: Wilson's interval"
        ),
        pattern=r"(?:95% )?intervals?",
    ),
    Word(
        name="inconclusive",
        meaning="The trials show neither that the pass rate is above min_pass_rate nor that it is below",
        pattern=r"inconclusive|undecided",
    ),
    Word(
        name="Fisher's exact test",
        meaning=(
            "A test of whether two pass rates differ, which is exact for few trials, too: how often chance alone "
            "would give so uneven a split of the passes"
        ),
        pattern=r"Fisher's exact test",
    ),
    Word(
        name="sequential test",
        meaning="A test whose result may be checked after every trial and that still keeps its error rate",
        pattern=r"sequential test",
    ),
    Word(
        name="corrected",
        meaning=(
            "Made stricter for the number of tests, by Holm's method, so that the error rate holds for all of them "
            "together"
        ),
        pattern=r"corrected",
    ),
    Word(
        name="p",
        meaning=(
            "How probable a result at least as extreme is if chance alone makes it. A small one speaks against chance"
        ),
        pattern=r"\bp (?==|<)|^p$|\bp-values?",
    ),
    Word(
        name="margin",
        meaning="The difference that is ruled out before a comparison says that nothing changed",
        pattern=r"margin|no (?:mean )?drop of more than|drop that is to be ruled out",
    ),
    Word(
        name="kappa",
        meaning=(
            "Cohen's kappa: how much more often a judge and a person agree than by chance. 1 is full agreement, 0 "
            "what chance gives"
        ),
        pattern=r"kappa",
    ),
    Word(
        name="pass@k", meaning="How probable it is that at least one of k trials passes", pattern=r"pass@\d+"
    ),
    Word(name="pass^k", meaning="How probable it is that all of k trials pass", pattern=r"pass\^\d+"),
    Word(
        name="held",
        meaning="The pass rate did not fall since the baseline by smallest_drop or more",
        pattern=r"\bheld\b",
    ),
    Word(name="dropped", meaning="The pass rate fell since the baseline", pattern=r"\bdropped\b"),
    Word(
        name="stale",
        meaning="The code no longer reaches the fork point as it was recorded, so nothing ran",
        pattern=r"\bstale\b",
    ),
)
"""The words that a page explains, in the order of its list."""

_ANY: Final = re.compile("|".join(f"({word.pattern})" for word in WORDS))


def pieces(sentence: str) -> Iterator[Piece]:
    """Split a sentence at the words that are explained, each at its first place only."""
    begin, found = 0, set[int]()
    for match in _ANY.finditer(sentence):
        place = (match.lastindex or 1) - 1
        if place in found:
            continue
        found.add(place)
        if match.start() > begin:
            yield Piece(text=sentence[begin : match.start()])
        yield Piece(text=match[0].rstrip(), word=WORDS[place])
        begin = match.start() + len(match[0].rstrip())
    if begin < len(sentence):
        yield Piece(text=sentence[begin:])

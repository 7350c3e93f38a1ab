"""The page explains the words of statistics as the glossary does."""

import re
from pathlib import Path

import pytest
from refork_reports.formats.html import render
from refork_reports.sentences.statistics.words import WORDS, pieces
from support.gated import gated

GLOSSARY = Path(__file__).parents[5] / "docs" / "glossary.md"


def _glossary() -> dict[str, str]:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return {name.strip("`"): meaning.replace("`", "") for name, meaning in rows}


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.name)
def test_a_word_means_what_the_glossary_says(word: object) -> None:
    name, meaning = getattr(word, "name", ""), getattr(word, "meaning", "")
    assert re.match(re.escape(meaning) + r"(\.|$)", _glossary()[name])


def test_a_word_is_found_where_it_stands_and_the_text_stays_whole() -> None:
    said = "better than current by Fisher's exact test, corrected over all cells (p = 0.03), corrected"
    found = list(pieces(said))
    assert "".join(piece.text for piece in found) == said
    assert [(piece.text, piece.word.name) for piece in found if piece.word] == [
        ("Fisher's exact test", "Fisher's exact test"),
        ("corrected", "corrected"),
        ("p", "p"),
    ]


def test_anchors_are_distinct() -> None:
    assert len({word.anchor for word in WORDS}) == len(WORDS)


def test_every_word_of_the_page_leads_to_its_explanation() -> None:
    page = render(gated())
    targets = set(re.findall(r'popovertarget="(.*?)"', page))
    assert {"word-interval", "word-fisher-s-exact-test", "word-corrected", "word-p"} <= targets
    assert targets <= set(re.findall(r'<div popover id="(.*?)"', page))

"""Words are marked where they stand, and a text without them stays as it is."""

from refork_evals.scorers.decisive_words import DecisiveWords
from refork_reports.sentences.marked_text import MarkedText, Part, marked


def failing(text: str) -> DecisiveWords:
    return DecisiveWords(text=text, scorer="not_contains", passes=False)


def parts(text: str, *words: str, is_json: bool = False) -> list[tuple[str, str]]:
    found = marked(text, [failing(word) for word in words], is_json=is_json)
    assert isinstance(found, MarkedText)
    assert "".join(part.text for part in found.parts) == text
    return [(part.text, part.outcome) for part in found.parts]


def test_a_text_without_the_words_is_unchanged() -> None:
    assert marked("It fell.", [failing("rose")]) == "It fell."


def test_every_occurrence_is_marked() -> None:
    assert parts("up and up", "up") == [("up", "fail"), (" and ", ""), ("up", "fail")]


def test_of_words_within_one_another_the_longer_ones_are_marked() -> None:
    assert parts("it increased", "incr", "increased") == [("it ", ""), ("increased", "fail")]


def test_in_json_words_are_found_as_json_spells_them() -> None:
    assert parts('{"q": "say \\"no\\""}', 'say "no"', is_json=True)[1] == ('say \\"no\\"', "fail")


def test_a_part_names_its_scorer() -> None:
    assert marked("x", [failing("x")]) == MarkedText((Part(text="x", outcome="fail", scorer="not_contains"),))


def test_a_text_of_one_word_ends_at_fifty_marks() -> None:
    found = parts("ab" * 60, "a")
    assert [outcome for _, outcome in found].count("fail") == 50
    assert found[-1] == ("b" + "ab" * 10, "")

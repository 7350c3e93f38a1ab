"""What differs between two prompts is marked, and nothing else."""

import time

from hypothesis import given
from hypothesis import strategies as st
from refork_reports.views.diffs import Piece, marked, prompt_diff
from support.report_evaluations import CAREFUL, SUMMARIZER


def test_equal_prompts_have_no_diff() -> None:
    assert prompt_diff(SUMMARIZER, SUMMARIZER) == []


def test_a_terminal_diff_names_both_sides_and_spells_out_escapes() -> None:
    lines = prompt_diff("Say it.\nBriefly.", "Say it.\n\x1b[31mAt length.", "wordy")
    assert lines[:2] == ["--- current", "+++ wordy"]
    assert "-Briefly." in lines
    assert "+⟨ESC⟩[31mAt length." in lines


def test_only_the_words_that_changed_are_marked() -> None:
    before, after = marked("Be positive and confident.", "Be honest and confident.")
    assert before == (
        Piece(mark="same", text="Be "),
        Piece(mark="del", text="positive "),
        Piece(mark="same", text="and confident."),
    )
    assert after[1] == Piece(mark="ins", text="honest ")


def test_a_paragraph_that_was_only_wrapped_anew_is_not_marked() -> None:
    before, after = marked("one two\nthree four\n", "one two three\nfour\n")
    assert {piece.mark for piece in before + after} == {"same"}


def test_passages_with_little_in_common_are_marked_whole() -> None:
    before, after = marked("Answer in SQL and nothing else.", "Vous êtes un analyste: répondez.")
    assert [piece.mark for piece in before + after] == ["del", "ins"]


@given(st.text(), st.text())
def test_the_pieces_of_a_side_are_that_prompt(before: str, after: str) -> None:
    left, right = marked(before, after)
    assert "".join(piece.text for piece in left) == before
    assert "".join(piece.text for piece in right) == after


def test_huge_prompts_are_compared_without_going_word_by_word() -> None:
    before, after = (" ".join(f"{word}{n}" for n in range(60_000)) for word in ("left", "right"))
    begun = time.process_time()
    left, right = marked(before, after)
    assert [piece.mark for piece in left + right] == ["del", "ins"]
    assert time.process_time() - begun < 10


def test_the_example_marks_what_a_reader_would() -> None:
    before, after = marked(SUMMARIZER, CAREFUL)
    assert [piece.text.split() for piece in before if piece.mark == "del"] == [
        ["Be", "positive", "and", "confident"]
    ]
    assert "never call it growth" in " ".join(
        " ".join(piece.text.split()) for piece in after if piece.mark == "ins"
    )

"""The targets of a question, and the names of its temporary cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.errors import BadInputError
from refork.text.lines import is_name
from refork_reports.tryout.cases import Target, _name, target_of


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("3f2a@7", Target(run="3f2a", step="7")),
        ("3f2a@summarizer", Target(run="3f2a", step="summarizer")),
        ("3f2a", Target(run="3f2a")),
        ("ann@example.org@3", Target(run="ann@example.org", step="3")),
    ],
)
def test_a_target_is_a_run_and_perhaps_a_step(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize("text", ["@7", "3f2a@", "@", ""])
def test_a_target_without_a_run_or_a_step_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="write RUN@STEP"):
        target_of(text)


@given(st.text(min_size=1), st.text(min_size=1), st.integers(1, 99))
def test_every_run_has_a_case_of_its_own(one: str, other: str, step: int) -> None:
    assert is_name(_name(one, step))
    assert (_name(one, step) == _name(other, step)) == (one == other)

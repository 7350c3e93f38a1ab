"""Trials that look like one draw are named; answers that may well be the same are not."""

from collections.abc import Sequence
from typing import Any

import pytest
from refork.records import Answer, Request, ToolCall
from refork_evals.results import Cell
from refork_evals.results.independence import Dependence
from refork_evals.trials import scored_by_test
from refork_evals.verdicts.cells import cell_from_scored
from refork_evals.verdicts.independence import dependence
from support.evals_builders import case, trial

SENTENCE = "Revenue fell by 12% in March, and the North explains most of it."
PARAGRAPH = SENTENCE * 8
CALL = Answer(tool_calls=(ToolCall(name="refund", arguments={"why": PARAGRAPH}),))


def cell(answers: Sequence[str | Answer], **settings: Any) -> Cell:
    given = [Answer(text=each) if isinstance(each, str) else each for each in answers]
    scored = [scored_by_test(trial(number, answer=each), passed=True) for number, each in enumerate(given, 1)]
    asked = Request(settings=settings)
    return cell_from_scored(case=case(), variant="current", scored=scored, min_pass_rate=0.8, request=asked)


def test_ten_identical_sentences_at_a_temperature_are_odd() -> None:
    found = dependence(cell([SENTENCE] * 10, temperature=0.7))
    assert found == Dependence(sign="identical", answers=10, temperature=0.7)


def test_three_identical_long_texts_are_odd_whatever_the_temperature() -> None:
    assert dependence(cell([PARAGRAPH] * 3)) == Dependence(sign="identical", answers=3)


@pytest.mark.parametrize(
    ("answers", "settings"),
    [
        pytest.param([PARAGRAPH] * 10, {"temperature": 0}, id="asked-for-by-temperature-0"),
        pytest.param([PARAGRAPH] * 10, {"temperature": 0.0, "seed": 7}, id="a-seed-at-temperature-0"),
        pytest.param(["approve"] * 30, {"temperature": 1}, id="a-label"),
        pytest.param([CALL] * 10, {"temperature": 1}, id="a-tool-call"),
        pytest.param([SENTENCE] * 9, {"temperature": 1}, id="too-few"),
        pytest.param([SENTENCE] * 10, {}, id="a-sentence-at-a-temperature-that-nobody-set"),
        pytest.param([PARAGRAPH], {"seed": 7}, id="one-trial"),
        pytest.param([SENTENCE, PARAGRAPH] * 10, {"temperature": 1}, id="equal-answers-apart"),
    ],
)
def test_what_may_well_be_the_same_is_not_called_odd(
    answers: list[str | Answer], settings: dict[str, Any]
) -> None:
    assert dependence(cell(answers, **settings)) is None


@pytest.mark.parametrize("settings", [{"seed": 7}, {"extra_body": {"seed": 7}}, {"extra_args": {"seed": 7}}])
def test_a_seed_is_named_wherever_it_is_set(settings: dict[str, Any]) -> None:
    found = dependence(cell(["yes", "no"], **settings))
    assert found == Dependence(sign="seed", answers=2, seed="7")


def test_equal_answers_in_a_row_are_odd() -> None:
    found = dependence(cell(["yes"] * 10 + ["no"] * 10, temperature=1))
    assert found is not None
    assert (found.sign, found.answers) == ("repeats", 20)

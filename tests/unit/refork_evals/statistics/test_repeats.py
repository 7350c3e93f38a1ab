"""Equal answers in a row are told from chance, at the stated error rate."""

import numpy as np
import pytest
from refork_evals.statistics.repeats import LEVEL, repeats_p_value


@pytest.mark.parametrize("answers", [[], ["a"], ["a"] * 20, [str(number) for number in range(20)]])
def test_nothing_is_found_where_every_order_is_the_same(answers: list[str]) -> None:
    assert repeats_p_value(answers) == 1.0


def test_answers_in_blocks_are_found() -> None:
    assert repeats_p_value(["a"] * 10 + ["b"] * 10) <= LEVEL
    assert repeats_p_value([text for text in "abcdefghij" for _ in range(3)]) <= LEVEL


def test_answers_that_alternate_are_not() -> None:
    assert repeats_p_value(["a", "b"] * 10) > 0.5


@pytest.mark.parametrize("kinds", [2, 5, 30])
def test_independent_answers_are_called_so_at_most_as_often_as_said(kinds: int) -> None:
    random = np.random.default_rng(1)
    shares = random.dirichlet(np.ones(kinds))
    found = [repeats_p_value([str(n) for n in random.choice(kinds, 20, p=shares)]) for _ in range(400)]
    assert sum(p_value <= 0.05 for p_value in found) <= 0.05 * 400 + 3 * (0.05 * 0.95 * 400) ** 0.5
    assert sum(p_value <= LEVEL for p_value in found) <= 4


def test_the_same_order_has_the_same_p_value() -> None:
    answers = list("aabbbcabcaab")
    assert repeats_p_value(answers) == repeats_p_value(answers)

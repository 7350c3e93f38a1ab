"""Two variants that take their trials side by side are told apart no more often by chance than it is said."""

import numpy as np
import pytest
from refork_evals.statistics.rounds import looks_of, pair_rule
from refork_evals.statistics.sequential import Bounds

LOOKS = (10, 15, 20, 30, 40, 60)


@pytest.mark.parametrize(
    ("bounds", "looks"),
    [
        (Bounds(5, 60), LOOKS),
        (Bounds(5, 5), (5,)),
        (Bounds(3, 8), (8,)),
        (Bounds(20, 300), (20, 30, 40, 60, 80, 120)),
        (Bounds(200, 300), (200,)),
    ],
)
def test_the_first_look_comes_after_ten_rounds_and_the_last_one_after_all(
    bounds: Bounds, looks: tuple[int, ...]
) -> None:
    assert looks_of(bounds) == looks


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.9])
def test_of_equal_variants_the_one_is_called_better_no_more_often_than_it_may(rate: float) -> None:
    rule = pair_rule(LOOKS, 0.02)
    random = np.random.default_rng(5)
    called = 0
    for _ in range(3_000):
        one, other = (random.random((2, 60)) < rate).cumsum(axis=1)
        called += any(rule.better(int(one[n - 1]), int(other[n - 1]), n) for n in LOOKS)
    assert called / 3_000 <= 0.02 + 0.008


def test_a_clear_difference_is_seen_at_the_first_look_although_many_cells_share_the_error_rate() -> None:
    rule = pair_rule(LOOKS, 0.05 / 2 / 40)
    assert rule.better(9, 0, 10)
    assert not rule.better(0, 9, 10)
    assert not rule.better(6, 2, 10)


def test_between_looks_nothing_is_said() -> None:
    assert not pair_rule(LOOKS, 0.02).better(12, 0, 12)


def test_with_too_few_rounds_nothing_could_ever_be_said() -> None:
    assert not pair_rule((3,), 0.001).can_be_better
    assert pair_rule(LOOKS, 0.001).can_be_better

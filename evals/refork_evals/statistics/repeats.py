"""A permutation test of whether equal answers follow one another more often than in a random order."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.001
"""The highest share of cells with independent trials that the test finds."""
_FIRST: Final = 199
_ALL: Final = 9_999
_SEED: Final = 20_240_601
"""The seed of the permutations, so that the same answers in the same order always have the same p-value."""


def repeats_p_value(answers: Sequence[str]) -> float:
    """Return the p-value of the number of equal neighbours, if every order is equally likely.

    That holds for independent trials, however few different answers a model gives. 1 if all are equal or none.
    The test is exact: the order that was found is one of the orders that it is compared with (Phipson and Smyth,
    2010).
    """
    _, codes = np.unique(np.asarray(answers, dtype=np.str_), return_inverse=True)
    if len(np.unique(codes)) in (0, 1, len(codes)):
        return 1.0
    random = np.random.default_rng(_SEED)
    found = int(np.count_nonzero(codes[1:] == codes[:-1]))
    few = _p_value(codes, found, _FIRST, random)
    # Few cells come near the level: the others need no exact number.
    return few if few > 10 / (_FIRST + 1) else _p_value(codes, found, _ALL, random)


def _p_value(codes: NDArray[np.intp], found: int, orders: int, random: np.random.Generator) -> float:
    shuffled = random.permuted(np.tile(codes, (orders, 1)), axis=1)
    equal = np.count_nonzero(shuffled[:, 1:] == shuffled[:, :-1], axis=1)
    return (1 + int(np.count_nonzero(equal >= found))) / (orders + 1)

"""Divides one alpha among all tests that can turn a suite red."""

from typing import Final

SUITE_SHARE: Final = 0.2
"""The share of alpha for the test of the whole suite. The rest is divided among its cases."""
CASES_SHARE: Final = 0.5
"""The share of alpha for candidates that differ from ``current`` in a single case. The rest is for all cases
together.
"""
SUITE_CASES: Final = 3
"""The number of cases from which the suite is tested as a whole."""


CONFIRMED: Final = 4
"""The factor on a case's share of alpha for each of two looks, if a drop counts only when both show it."""


def share_of_case(alpha: float, cases: int) -> float:
    """Return one gated case's share of alpha. The shares of all cases and of the suite's own test add up to alpha."""
    spread = alpha * (1 - SUITE_SHARE) if cases >= SUITE_CASES else alpha
    return spread / max(1, cases)


def share_of_suite(alpha: float, cases: int) -> float:
    """Return the share of alpha of the test of the whole suite; 0 if there are too few cases for one."""
    return alpha * SUITE_SHARE if cases >= SUITE_CASES else 0.0


def share_of_pair(alpha: float, cells: int, cases: int) -> float:
    """Return the chance, in one case, of calling a candidate better than an equal ``current``, and of calling it worse.

    All of ``cells`` candidates' cells together, in both directions, get half of alpha: the other half is that of the
    candidates over all cases. With a single case the two are one question.
    """
    return alpha * (CASES_SHARE if cases > 1 else 1.0) / (2 * max(1, cells))

"""One alpha for all that can turn a suite red: how it is spread over its tests."""

from typing import Final

SUITE_SHARE: Final = 0.2
"""Of alpha, what goes to the test of the whole suite; the rest is spread over its cases."""
CASES_SHARE: Final = 0.5
"""Of alpha, what goes to candidates that differ from ``current`` in a single case; the rest to all cases together."""
SUITE_CASES: Final = 3
"""From so many cases on the suite is tested as a whole."""


CONFIRMED: Final = 4
"""Times a case's share of alpha: the level of each of two looks where a drop is only one if both show it."""


def share_of_case(alpha: float, cases: int) -> float:
    """Return one gated case's share of alpha. The shares of all cases and of the suite's own test add up to alpha."""
    spread = alpha * (1 - SUITE_SHARE) if cases >= SUITE_CASES else alpha
    return spread / max(1, cases)


def share_of_suite(alpha: float, cases: int) -> float:
    """Return the share of alpha of the test of the whole suite; 0 if there are too few cases for one."""
    return alpha * SUITE_SHARE if cases >= SUITE_CASES else 0.0


def share_of_pair(alpha: float, cells: int, cases: int) -> float:
    """How often one candidate may be called better than an equal ``current`` in one case, and how often worse.

    All of ``cells`` candidates' cells together, in both directions, get half of alpha: the other half is that of the
    candidates over all cases. With a single case the two are one question.
    """
    return alpha * (CASES_SHARE if cases > 1 else 1.0) / (2 * max(1, cells))

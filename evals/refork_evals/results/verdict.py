"""The verdict of a cell."""

from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """The conclusion from the trials of a case under a variant.

    ``pass`` and ``fail`` say whether a pass rate reaches ``min_pass_rate``; ``held`` and ``dropped`` say whether it
    fell since the baseline. A verdict of one kind is never compared with one of the other.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    HELD = "held"
    DROPPED = "dropped"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    STALE = "stale"

    @property
    def is_good(self) -> bool:
        """True if the trials show what was asked for: the rate is reached, or it has not fallen."""
        return self in (Verdict.PASS, Verdict.HELD)

    @property
    def is_bad(self) -> bool:
        """True if the trials show that the rate is not reached, or that it has fallen."""
        return self in (Verdict.FAIL, Verdict.DROPPED)

    @property
    def is_decided(self) -> bool:
        return self.is_good or self.is_bad

    @property
    def is_measured(self) -> bool:
        """True if there were trials to conclude from."""
        return self not in (Verdict.ERROR, Verdict.STALE)

    @property
    def is_beside_baseline(self) -> bool:
        """True if the verdict compares with a baseline; False also if nothing was decided."""
        return self in (Verdict.HELD, Verdict.DROPPED)


WORST_FIRST: Final = (
    Verdict.DROPPED,
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.STALE,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.HELD,
)
"""The verdicts in the order of urgency, the worst first."""

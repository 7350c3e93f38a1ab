"""What is decided of a cell."""

from enum import StrEnum


class Verdict(StrEnum):
    """What the trials of a case under a variant say."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    STALE = "stale"

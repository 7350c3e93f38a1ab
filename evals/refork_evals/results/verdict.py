"""The verdict of a cell."""

from enum import StrEnum


class Verdict(StrEnum):
    """The conclusion from the trials of a case under a variant."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    STALE = "stale"

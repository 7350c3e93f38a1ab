"""The modes of the answer cache."""

from enum import StrEnum


class AnswersMode(StrEnum):
    """The ways to use cached answers.

    ``reuse``: cached answers for unchanged requests, calls for new ones. ``offline``: no calls. ``live``: no reuse,
    new answers replace cached ones. ``refresh``: like ``live``, and cached answers that were not requested again are
    removed.
    """

    REUSE = "reuse"
    OFFLINE = "offline"
    LIVE = "live"
    REFRESH = "refresh"

    @property
    def reads(self) -> bool:
        return self in (AnswersMode.REUSE, AnswersMode.OFFLINE)

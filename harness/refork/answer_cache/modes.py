"""What becomes of cached answers."""

from enum import StrEnum


class AnswersMode(StrEnum):
    """``reuse``: kept ones where the request is unchanged, live ones where it is new. ``offline``: never a call.
    ``live``: no reuse, what is answered replaces what was kept. ``refresh``: as live, and what was not answered
    again is dropped."""

    REUSE = "reuse"
    OFFLINE = "offline"
    LIVE = "live"
    REFRESH = "refresh"

    @property
    def reads(self) -> bool:
        return self in (AnswersMode.REUSE, AnswersMode.OFFLINE)

"""The history in words and in characters, for a terminal and for the page."""

from collections.abc import Sequence
from typing import Final

from refork.text.numbers import percent
from refork_evals.results import PastSession

from refork_reports.history.changes import Changed, Point

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_UNMEASURED: Final = "·"
_SHORT: Final = 7


def sparkline(rates: Sequence[float | None]) -> str:
    """A character for each rate, from ``▁`` for 0% to ``█`` for 100%; ``·`` where nothing was measured."""
    top = len(_LEVELS) - 1
    return "".join(_UNMEASURED if rate is None else _LEVELS[round(rate * top)] for rate in rates)


def commit_words(session: PastSession) -> str:
    """The beginning of the commit, with a ``*`` if tracked files differed from it; empty if it is not known."""
    if session.commit is None:
        return ""
    return session.commit[:_SHORT] + ("*" if session.dirty else "")


def place_words(session: PastSession) -> str:
    """``at 3f2a91c``, or ``on 2026-11-20`` outside a repository."""
    commit = commit_words(session)
    return f"at {commit}" if commit else f"on {session.started_at.astimezone().date().isoformat()}"


def change_words(point: Point) -> str:
    """``fell from pass, 90%``: what changed in this session, or that the case itself is another one."""
    if point.redefined:
        return "case redefined"
    return "" if point.changed is None else _described(point.changed)


def _described(changed: Changed) -> str:
    before = [
        "" if changed.verdict_before is None else changed.verdict_before.value,
        "" if changed.rate_before is None else percent(changed.rate_before),
    ]
    return f"{changed.direction} from {', '.join(filter(None, before))}"

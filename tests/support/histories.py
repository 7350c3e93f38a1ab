"""Histories of a project, built by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from refork_evals.results import PastCell, PastSession, Verdict
from refork_evals.verdicts.decision import CellCounts, interval

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def past_cell(passes: int, trials: int = 10, **more: Any) -> PastCell:
    """A case under ``current`` of which so many trials passed; by default, the verdict is that of the rate alone."""
    counts = CellCounts(passes=passes, failures=trials - passes)
    usual: dict[str, Any] = {
        "case": "rosy",
        "variant": "current",
        "verdict": Verdict.INCONCLUSIVE,
        "min_pass_rate": 0.7,
        "fingerprint": "f1",
        "interval": interval(counts),
        "seconds": 0.8,
    }
    return PastCell(passes=passes, failures=trials - passes, trials=trials, **{**usual, **more})


def past_session(day: int, *cells: PastCell, **more: Any) -> PastSession:
    """The session of a day, at a commit that begins with its number."""
    usual: dict[str, Any] = {"commit": f"{day:07d}" + "a" * 33, "dirty": False}
    return PastSession(started_at=NOON + timedelta(days=day), seconds=12.5, cells=cells, **{**usual, **more})


def dropped() -> tuple[PastSession, ...]:
    """Three sessions: 9 of 10, 10 of 10, and 2 of 10, which fails; another case stays as it is."""
    return tuple(
        past_session(day, past_cell(passes, verdict=verdict), past_cell(8, case="steady"))
        for day, (passes, verdict) in enumerate(
            [(9, Verdict.INCONCLUSIVE), (10, Verdict.PASS), (2, Verdict.FAIL)], 1
        )
    )

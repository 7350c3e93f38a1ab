"""Finds the sessions at which a case changed. This describes what is on record, and is not a test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from refork_evals.results import PastCell, PastSession, Verdict


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A change since an earlier session.

    ``direction`` is that of the verdict if it flipped, otherwise that of the rate. ``verdict_before`` is set if the
    verdict flipped, ``rate_before`` if the interval of the difference of the two rates excludes 0.
    """

    direction: Literal["rose", "fell"]
    verdict_before: Verdict | None = None
    rate_before: float | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """A case under a variant in one session.

    ``redefined`` says that its run or its expectations are others than before, so that nothing is compared.
    """

    session: PastSession
    cell: PastCell
    changed: Changed | None = None
    redefined: bool = False


@dataclass(frozen=True, kw_only=True)
class Series:
    """A case under a variant over time, the oldest session first."""

    case: str
    variant: str
    points: tuple[Point, ...]

    @property
    def last_change(self) -> Point | None:
        return next((point for point in reversed(self.points) if point.changed is not None), None)

    @property
    def rates(self) -> tuple[float | None, ...]:
        return tuple(point.cell.pass_rate for point in self.points)


def all_series(sessions: Sequence[PastSession]) -> tuple[Series, ...]:
    """Return a series for each case and variant, in the order in which they first occur."""
    found: dict[tuple[str, str], list[tuple[PastSession, PastCell]]] = {}
    for session in sessions:
        for cell in session.cells:
            found.setdefault((cell.case, cell.variant), []).append((session, cell))
    return tuple(
        Series(case=case, variant=variant, points=_points(measured))
        for (case, variant), measured in found.items()
    )


def _points(measured: Sequence[tuple[PastSession, PastCell]]) -> tuple[Point, ...]:
    points: list[Point] = []
    comparable: list[PastCell] = []
    for session, cell in measured:
        redefined = bool(comparable) and comparable[-1].fingerprint != cell.fingerprint
        if redefined:
            comparable.clear()
        changed = _changed(comparable, cell)
        points.append(Point(session=session, cell=cell, changed=changed, redefined=redefined))
        comparable.append(cell)
    return tuple(points)


def _changed(earlier: Sequence[PastCell], now: PastCell) -> Changed | None:
    verdict, rate = _flipped(earlier, now), _differing(earlier, now)
    if verdict is None and rate is None:
        return None
    rose = now.verdict.is_good if verdict is not None else (now.pass_rate or 0.0) > (rate or 0.0)
    return Changed(direction="rose" if rose else "fell", verdict_before=verdict, rate_before=rate)


def _flipped(earlier: Sequence[PastCell], now: PastCell) -> Verdict | None:
    """The last decided verdict of the same kind, if this one is its opposite."""
    if not now.verdict.is_decided:
        return None
    kind = now.verdict.is_beside_baseline
    same = (
        cell.verdict
        for cell in reversed(earlier)
        if cell.verdict.is_decided and cell.verdict.is_beside_baseline == kind
    )
    before = next(same, now.verdict)
    return before if before.is_good != now.verdict.is_good else None


def _differing(earlier: Sequence[PastCell], now: PastCell) -> float | None:
    """The last measured rate, if the interval of the difference to it excludes 0."""
    before = next((cell for cell in reversed(earlier) if cell.pass_rate is not None), None)
    if before is None or not _is_apart(before, now):
        return None
    return before.pass_rate


def _is_apart(before: PastCell, now: PastCell) -> bool:
    """Newcombe's 95% interval of a difference of two rates, made of the interval of each (Statistics in Medicine 17,
    1998, method 10).
    """
    if before.pass_rate is None or now.pass_rate is None or before.interval is None or now.interval is None:
        return False
    rise = now.pass_rate - before.pass_rate
    if rise > 0:
        spread = math.hypot(now.pass_rate - now.interval.low, before.interval.high - before.pass_rate)
    else:
        spread = math.hypot(now.interval.high - now.pass_rate, before.pass_rate - before.interval.low)
    return abs(rise) > spread

"""Turns counts into a verdict. Pure: it does not depend on cases or files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from refork_evals.results import Comparison, Interval, Verdict
from refork_evals.statistics import holm, lowest_rate, p_of_at_least, p_of_at_most, wilson_interval

ALPHA: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """The trials of a cell. ``missing`` are those that were scheduled and did not run. ``unanswered`` are the errors
    that only say that no answer is cached and none may be requested: such a trial did not run either.
    """

    passes: int = 0
    failures: int = 0
    errors: int = 0
    missing: int = 0
    unanswered: int = 0

    @property
    def measured(self) -> int:
        return self.passes + self.failures

    @property
    def ran(self) -> int:
        """The trials whose answer was requested, or was cached."""
        return self.measured + self.errors - self.unanswered

    @property
    def unknown(self) -> int:
        return self.errors + self.missing

    @property
    def scheduled(self) -> int:
        return self.measured + self.unknown


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict, the p-value of the test that decided it, and a remark."""

    verdict: Verdict
    p_value: float | None = None
    reason: str = ""
    comparison: Comparison | None = None


def p_supported(counts: CellCounts, min_pass_rate: float) -> float:
    """Return the p-value of "the pass rate is above ``min_pass_rate``", whatever the unknown trials were."""
    return p_of_at_least(counts.passes, counts.scheduled, min_pass_rate)


def p_refuted(counts: CellCounts, min_pass_rate: float) -> float:
    """Return the p-value of "the pass rate is below ``min_pass_rate``", whatever the unknown trials were."""
    return p_of_at_most(counts.passes + counts.unknown, counts.scheduled, min_pass_rate)


def interval(counts: CellCounts) -> Interval | None:
    """Return Wilson's 95% interval of the pass rate, wide enough for whatever the unknown trials were."""
    lowest = wilson_interval(counts.passes, counts.scheduled)
    highest = wilson_interval(counts.passes + counts.unknown, counts.scheduled)
    if lowest is None or highest is None or not counts.measured:
        return None
    return Interval(low=lowest.low, high=highest.high)


def decide_all(cells: Sequence[tuple[CellCounts, float]], alpha: float = ALPHA) -> tuple[Decision, ...]:
    """Decide a family of cells, given with their ``min_pass_rate``; ``fail`` is corrected over them."""
    adjusted = holm([p_refuted(counts, rate) for counts, rate in cells])
    pairs = zip(cells, adjusted, strict=True)
    return tuple(decide(counts, rate, alpha=alpha, p_refuted=p) for (counts, rate), p in pairs)


def decide(counts: CellCounts, min_pass_rate: float, *, alpha: float = ALPHA, p_refuted: float) -> Decision:
    """Return the verdict of one cell.

    ``pass``: were the pass rate only ``min_pass_rate``, so many passes would come up with probability
    ``alpha`` at most. ``fail``: so few would, where ``p_refuted`` is that probability corrected over the
    suite. Both count the unknown trials against themselves. Else ``inconclusive``; ``error`` where nothing
    was measured.

    No number of trials shows that a rate is exactly 1. With a ``min_pass_rate`` of 1 the verdict says what
    was seen and no more: ``pass`` where every trial passed, ``fail`` where one failed, which is certain.
    """
    if not counts.measured:
        return Decision(verdict=Verdict.ERROR, reason=nothing_measured(counts))
    if p_refuted <= alpha:
        return Decision(verdict=Verdict.FAIL, p_value=p_refuted, reason=despite_unknown(counts))
    if min_pass_rate == 1:
        return _every_trial(counts, alpha)
    supported = p_supported(counts, min_pass_rate)
    if supported <= alpha:
        return Decision(verdict=Verdict.PASS, p_value=supported, reason=despite_unknown(counts))
    return Decision(
        verdict=Verdict.INCONCLUSIVE,
        p_value=min(supported, p_refuted),
        reason=_undecided(counts, min_pass_rate, supported, p_refuted),
    )


def _every_trial(counts: CellCounts, alpha: float) -> Decision:
    if counts.unknown:
        reason = f"no trial failed, but {said_of_unknown(counts)}, and a min_pass_rate of 1 needs every trial to pass"
        return Decision(verdict=Verdict.INCONCLUSIVE, reason=reason)
    rate = lowest_rate(counts.passes, alpha)
    said = (
        f"a description, not a proof: the pass rate may be as low as {rate:.2f} ({1 - alpha:.0%} confidence)"
    )
    return Decision(verdict=Verdict.PASS, reason=f"every trial passed; {said}")


def nothing_measured(counts: CellCounts) -> str:
    return f"nothing was measured: {said_of_unknown(counts)}" if counts.unknown else "no trial was scheduled"


def despite_unknown(counts: CellCounts) -> str:
    return (
        f"{said_of_unknown(counts)}; the verdict holds whatever they would have been"
        if counts.unknown
        else ""
    )


def _undecided(counts: CellCounts, rate: float, supported: float, refuted: float) -> str:
    seen = f"{counts.passes} of {counts.scheduled} passed"
    said = f"{seen}: neither above {rate:g} (p = {supported:.2g}) nor below it (p = {refuted:.2g})"
    return f"{said}; {said_of_unknown(counts)}" if counts.unknown else said


def said_of_unknown(counts: CellCounts) -> str:
    parts = [f"{counts.errors} of {counts.scheduled} trials ended in an error"] * (counts.errors > 0)
    parts += [f"{counts.missing} of {counts.scheduled} trials did not run"] * (counts.missing > 0)
    return " and ".join(parts)

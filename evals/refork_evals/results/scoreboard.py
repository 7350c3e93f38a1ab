"""The scoreboard: what each prompt of an agent comes to over all of the agent's cases."""

from dataclasses import dataclass
from enum import StrEnum

from refork.records.usage import Money

from refork_evals.results.comparisons import Interval, Share
from refork_evals.results.recommendation import CandidateEffect
from refork_evals.results.verdict import Verdict


class Standing(StrEnum):
    """What a candidate is good for, the most useful first."""

    TAKE = "take it"
    FIXES = "also fixes"
    UNSHOWN = "not shown to be better"
    NOTHING_TO_FIX = "nothing to fix"
    FIXES_NONE = "fixes none"
    HARMS = "harms"


@dataclass(frozen=True, kw_only=True)
class TrialCounts:
    """Trials of several cells. ``unmeasured`` are those that ended in an error or did not run."""

    passes: int = 0
    failures: int = 0
    unmeasured: int = 0

    @property
    def scheduled(self) -> int:
        return self.passes + self.failures + self.unmeasured

    def __add__(self, other: "TrialCounts") -> "TrialCounts":
        return TrialCounts(
            passes=self.passes + other.passes,
            failures=self.failures + other.failures,
            unmeasured=self.unmeasured + other.unmeasured,
        )


@dataclass(frozen=True, kw_only=True)
class ScoreboardRow:
    """A prompt of an agent, over the ``cases`` that it was run on.

    ``good`` of the cases passed or held, ``bad`` failed or dropped. ``verdict`` is the worst of ``current``, None for
    a candidate, which has a ``standing`` and an ``effect`` instead. ``interval`` is the 95% interval of the share of
    ``trials`` that pass. ``current`` are the trials of ``current`` in the same cases. ``needed`` is the pass rate
    that is needed, None if it differs between the cases. ``cost_per_call`` is None if nothing was called or a price
    is unknown, ``median_seconds`` if no trial was answered.
    """

    variant: str
    cases: int
    good: int
    bad: int
    trials: TrialCounts
    current: TrialCounts
    verdict: Verdict | None = None
    standing: Standing | None = None
    effect: CandidateEffect | None = None
    interval: Interval | None = None
    needed: Share | None = None
    cost_per_call: Money | None = None
    median_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """The prompts of an agent: ``current`` first, then the candidates by their standing."""

    agent: str | None
    rows: tuple[ScoreboardRow, ...]

    def row(self, variant: str) -> ScoreboardRow | None:
        return next((row for row in self.rows if row.variant == variant), None)

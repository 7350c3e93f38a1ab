"""Runs rounds of a candidate and of ``current``, as many as needed to tell them apart or to know the candidate's
rate.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from refork_evals.plans.sequential import SequentialPlan
from refork_evals.plans.words import passed
from refork_evals.results import Change, Method, Verdict
from refork_evals.statistics import wilson_interval
from refork_evals.statistics.rounds import PairRule, looks_of, pair_rule
from refork_evals.verdicts.decision import CellCounts, Decision, interval, said_of_unknown

NARROW: Final = 0.3
"""The interval width up to which a pass rate is known well enough: "about 0.7, within 0.55 and 0.85"."""


@dataclass(frozen=True, kw_only=True)
class CandidatePlan:
    """The plan of a candidate beside ``current``, which runs a trial whenever the candidate does.

    ``alpha`` is how often an equal candidate may be called better, and how often worse. Looked at only after the
    rounds of :func:`refork_evals.statistics.rounds.looks_of`, so that all cases have the first of them in common.
    """

    rate: SequentialPlan
    alpha: float
    method: Method = Method.SEQUENTIAL

    @cached_property
    def looks(self) -> tuple[int, ...]:
        return looks_of(self.rate.bounds)

    @cached_property
    def pair(self) -> PairRule:
        return pair_rule(self.looks, self.alpha)

    @property
    def first(self) -> int:
        return self.looks[0]

    @property
    def most(self) -> int:
        return self.rate.most

    def more(self, counts: CellCounts) -> int:
        """Return the next batch if ``current`` runs no trials beside it, as in a test function: as many as its own
        rate needs.
        """
        return self.rate.more(counts)

    def decide(self, counts: CellCounts) -> Decision:
        found = self.rate.decide(counts)
        if found.verdict is not Verdict.INCONCLUSIVE:
            return found
        return replace(found, reason=_about(counts, self.rate.min_pass_rate))

    @property
    def too_few(self) -> str:
        return self.rate.too_few

    def more_rounds(self, counts: CellCounts, current: CellCounts) -> int:
        """Return the rounds up to the next look; 0 if the candidate is told from ``current``, or its rate is known."""
        ran = counts.measured + counts.errors
        later = [look for look in self.looks if look > ran]
        is_known = not self.rate.more(counts) or _width(counts) <= NARROW
        is_told_apart = self.beside(counts, current) is not Change.INCONCLUSIVE
        return 0 if is_known or is_told_apart or not later else later[0] - ran

    def beside(self, counts: CellCounts, current: CellCounts) -> Change:
        """Return whether the candidate is better than ``current`` in this case, or worse.

        Whatever the trials of both would have been that could not be measured.
        """
        rounds = counts.measured + counts.errors
        if rounds != current.measured + current.errors:
            return Change.INCONCLUSIVE
        if self.pair.better(counts.passes, current.passes + current.errors, rounds):
            return Change.IMPROVED
        if self.pair.better(current.passes, counts.passes + counts.errors, rounds):
            return Change.REGRESSED
        return Change.INCONCLUSIVE


def _about(counts: CellCounts, min_pass_rate: float) -> str:
    """Describe a rate that is shown neither to be high enough nor to be too low."""
    around = interval(counts)
    known = "" if around is None else f", between {around.low:.2f} and {around.high:.2f}"
    errors = f"; {said_of_unknown(counts)}" if counts.unknown else ""
    return f"{passed(counts)}{known}: neither above {min_pass_rate:g} nor below it{errors}"


def _width(counts: CellCounts) -> float:
    found = wilson_interval(counts.passes, counts.measured)
    return 1.0 if found is None or counts.errors else found.high - found.low

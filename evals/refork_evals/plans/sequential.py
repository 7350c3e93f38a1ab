"""The plan that takes as many trials as a decision needs."""

from dataclasses import dataclass
from functools import cached_property

from refork_evals.plans.words import despite_errors, out_of_reach, passed, why_no_more
from refork_evals.results import Method, Verdict
from refork_evals.statistics.sequential import Bounds, StoppingRule, rate_rule
from refork_evals.verdicts.decision import CellCounts, Decision, nothing_measured


@dataclass(frozen=True, kw_only=True)
class SequentialPlan:
    """Takes as many trials as needed to tell whether the pass rate is above or below ``min_pass_rate``, within
    bounds.

    The probability of a wrong "pass" is at most ``alpha`` for this cell; that of a wrong "fail" is at most ``alpha``
    for all of ``cases`` together.
    """

    bounds: Bounds
    min_pass_rate: float
    alpha: float
    cases: int = 1
    method: Method = Method.SEQUENTIAL

    @cached_property
    def rule(self) -> StoppingRule:
        share = self.alpha / max(1, self.cases)
        return rate_rule(self.min_pass_rate, self.bounds, alpha_good=self.alpha, alpha_bad=share)

    @property
    def first(self) -> int:
        return self.bounds.lowest

    @property
    def most(self) -> int:
        return self.bounds.highest

    def more(self, counts: CellCounts) -> int:
        ran = counts.measured + counts.errors
        return self.rule.missing(counts.passes, ran, counts.errors)

    def decide(self, counts: CellCounts) -> Decision:
        if not counts.measured:
            return Decision(verdict=Verdict.ERROR, reason=nothing_measured(counts))
        found = self.rule.decided(counts.passes, counts.measured + counts.errors, counts.errors)
        if found is None:
            return Decision(verdict=Verdict.INCONCLUSIVE, reason=self._undecided(counts))
        return Decision(verdict=Verdict.PASS if found else Verdict.FAIL, reason=despite_errors(counts))

    def _undecided(self, counts: CellCounts) -> str:
        said = f"{passed(counts)}: neither above {self.min_pass_rate:g} nor below it"
        return f"{said}; {why_no_more(counts, self.bounds, more=self.more(counts))}"

    @property
    def too_few(self) -> str:
        return out_of_reach(self.rule)

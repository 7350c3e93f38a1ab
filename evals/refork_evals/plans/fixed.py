"""The plan with a fixed number of trials."""

from dataclasses import dataclass

from refork_evals.results import Method, Verdict
from refork_evals.statistics import trials_needed
from refork_evals.verdicts.decision import CellCounts, Decision, decide, p_refuted


@dataclass(frozen=True, kw_only=True)
class FixedPlan:
    """A plan of ``trials`` for one of ``cases`` cells. "fail" is corrected by Bonferroni, and by Holm once all are
    known.
    """

    trials: int
    min_pass_rate: float
    alpha: float
    cases: int = 1
    method: Method = Method.FIXED

    @property
    def first(self) -> int:
        return self.trials

    @property
    def most(self) -> int:
        return self.trials

    def more(self, counts: CellCounts) -> int:  # noqa: ARG002 - a plan's signature
        return 0

    def decide(self, counts: CellCounts) -> Decision:
        refuted = min(1.0, max(1, self.cases) * p_refuted(counts, self.min_pass_rate))
        return decide(counts, self.min_pass_rate, alpha=self.alpha, p_refuted=refuted)

    @property
    def too_few(self) -> str:
        reached = {
            self.decide(counts).verdict
            for counts in (CellCounts(passes=self.trials), CellCounts(failures=self.trials))
        }
        return " or ".join(each.value for each in (Verdict.PASS, Verdict.FAIL) if each not in reached)

    @property
    def shortage(self) -> str:
        """Warn about too few trials and say how many are needed; empty if there are enough."""
        missed = self.too_few
        if not missed:
            return ""
        needed = trials_needed(self.min_pass_rate, self.alpha, self.cases)
        return (
            f"has {self.trials} trials and can never {missed} at min_pass_rate {self.min_pass_rate:g}: "
            f"{needed} are needed; raise trials, or change min_pass_rate"
        )

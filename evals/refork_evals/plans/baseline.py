"""The plan that takes as many trials as needed to tell a drop from no drop, compared with a baseline."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from refork.case_files.trial_settings import SMALLEST_DROP

from refork_evals.plans.shares import CONFIRMED
from refork_evals.plans.words import despite_errors, out_of_reach, passed, why_no_more
from refork_evals.results import Change, Comparison, Method, Verdict
from refork_evals.statistics.draws import Floats, chance, null_moments
from refork_evals.statistics.drops import DropRules, drop_rules
from refork_evals.statistics.sequential import Bounds, StoppingRule, rate_rule
from refork_evals.statistics.strata import Pair, interval
from refork_evals.statistics.stratified import Stratum
from refork_evals.verdicts.decision import CellCounts, Decision, nothing_measured


@dataclass(frozen=True, kw_only=True)
class BaselinePlan:
    """Takes as many trials as needed to tell a drop from no drop, compared with a baseline of ``before`` passes.

    A trial that could not be measured is no pass, since every trial of a baseline was measured; one whose answer is
    not cached and may not be requested has not run. ``alpha`` is this case's share. If the case has a
    ``min_pass_rate`` of its own (``own``), that is tested, too, and each of the two tests gets half of the share.
    ``is_confirmed`` says that a drop counts only if fresh trials, decided by the same rule, show it once more. Each
    look may then err ``CONFIRMED`` times as often.
    The verdict is ``held`` or ``dropped``; ``fail`` only where the case's own ``min_pass_rate`` is not met.
    """

    before: int
    trials_before: int
    bounds: Bounds
    alpha: float
    smallest_drop: float = SMALLEST_DROP
    alpha_unchanged: float = 0.05
    own: float | None = None
    is_confirmed: bool = False
    method: Method = Method.BASELINE

    @cached_property
    def drops(self) -> DropRules:
        return drop_rules(
            self.trials_before,
            self.bounds,
            smallest_drop=self.smallest_drop,
            alpha_good=self.alpha_unchanged,
            alpha_bad=self._alpha_of_drop,
        )

    @property
    def _alpha_of_drop(self) -> float:
        alpha = self.alpha if self.own is None else self.alpha / 2
        return min(1.0, CONFIRMED * alpha) if self.is_confirmed else alpha

    @property
    def unconfirmed(self) -> "BaselinePlan":
        """The plan with which a single look decides."""
        return replace(self, is_confirmed=False)

    def suspects(self, counts: CellCounts) -> bool:
        """Return whether these trials show a drop."""
        return self._kept(counts) is False

    @cached_property
    def rule(self) -> StoppingRule:
        return self.drops.rule(self.before)

    @cached_property
    def own_rule(self) -> StoppingRule | None:
        if self.own is None:
            return None
        return rate_rule(self.own, self.bounds, alpha_good=self.alpha_unchanged, alpha_bad=self.alpha / 2)

    @property
    def first(self) -> int:
        return self.bounds.lowest

    @property
    def most(self) -> int:
        """Both looks together, where a drop is asked for again."""
        return self.bounds.highest * (2 if self.is_confirmed else 1)

    def more(self, counts: CellCounts) -> int:
        kept, meets = self._kept(counts), self._meets(counts)
        if False in (kept, meets):
            return 0
        begun = counts.measured + counts.errors
        waits = [] if kept else [self.rule.missing(counts.passes, begun, counts.unanswered)]
        if self.own_rule is not None:
            waits.append(self.own_rule.missing(counts.passes, begun, counts.errors))
        return min((trials for trials in waits if trials), default=0)

    def _kept(self, counts: CellCounts) -> bool | None:
        return self.rule.decided(counts.passes, counts.ran)

    def _meets(self, counts: CellCounts) -> bool | None:
        if self.own_rule is None:
            return True
        return self.own_rule.decided(counts.passes, counts.measured + counts.errors, counts.errors)

    def decide(self, counts: CellCounts) -> Decision:
        if not counts.measured:
            return Decision(verdict=Verdict.ERROR, reason=nothing_measured(counts))
        kept, meets = self._kept(counts), self._meets(counts)
        if kept is False and not self._shows_drop(counts):
            return Decision(
                verdict=Verdict.ERROR, reason=self._lost(counts), comparison=self._compared(counts, None)
            )
        compared = self._compared(counts, kept)
        if kept is False:
            return Decision(verdict=Verdict.DROPPED, comparison=compared)
        if meets is False:
            reason = f"{passed(counts)}, below its own min_pass_rate {self.own:g}"
            return Decision(verdict=Verdict.FAIL, reason=reason, comparison=compared)
        if None in (kept, meets):
            return Decision(
                verdict=Verdict.INCONCLUSIVE, reason=self._undecided(counts, kept), comparison=compared
            )
        return Decision(verdict=Verdict.HELD, reason=despite_errors(counts), comparison=compared)

    def _shows_drop(self, counts: CellCounts) -> bool:
        """Return whether the measured trials alone show a drop, whatever the others were."""
        return self.rule.decided(counts.passes, counts.ran, counts.ran - counts.measured) is False

    def _lost(self, counts: CellCounts) -> str:
        return (
            f"{counts.passes} of {counts.ran} passed, {counts.ran - counts.measured} could not be measured, "
            f"before {self.before} of {self.trials_before} and all measured"
        )

    def _compared(self, counts: CellCounts, kept: bool | None) -> Comparison:
        pair = Pair(
            passes=counts.passes,
            trials=counts.measured,
            passes_before=self.before,
            trials_before=self.trials_before,
        )
        around = interval([pair])
        change = Change.REGRESSED if kept is False else Change.UNCHANGED if kept else Change.INCONCLUSIVE
        if kept and around.low > 0:
            change = Change.IMPROVED
        return Comparison(
            change=change,
            passes_before=self.before,
            trials_before=self.trials_before,
            difference=pair.difference,
            interval=around,
            alpha=self._alpha_of_drop,
            margin=self.smallest_drop,
        )

    def _undecided(self, counts: CellCounts, kept: bool | None) -> str:
        question = (
            f"{self.before} of {self.trials_before} before: a drop of {self.smallest_drop:g} is possible, none shown"
            if kept is None
            else f"neither above its own min_pass_rate {self.own:g} nor below it"
        )
        return f"{passed(counts)}: {question}; {why_no_more(counts, self.bounds, more=self.more(counts))}"

    @property
    def too_few(self) -> str:
        beside = out_of_reach(self.rule, good=Verdict.HELD, bad=Verdict.DROPPED)
        return beside or ("" if self.own_rule is None else out_of_reach(self.own_rule))

    def finds(self, before: float, power: float) -> float | None:
        """Return the highest rate, in steps of 0.05, such that a drop from ``before`` to it is found this often."""
        # The two looks share a baseline, so both find a drop at least as often as if they did not.
        return _found(self.drops, before, power ** (1 / 2) if self.is_confirmed else power)

    def stratum(self, counts: CellCounts) -> Stratum:
        """The case's part in the test of the whole suite."""
        return Stratum(
            baseline_passes=self.before,
            baseline_trials=self.trials_before,
            passes=counts.passes,
            trials=counts.measured,
            moments=_moments(self.drops, self.own_rule),
        )


@lru_cache(maxsize=64)
def _found(drops: DropRules, before: float, power: float) -> float | None:
    now = np.arange(round(before * 20) - 1, -1, -1) / 20
    chances = chance(drops.bad, drops.bounds.lowest, np.full_like(now, before), now, other=drops.good)
    return next((float(rate) for rate, found in zip(now, chances, strict=True) if found >= power), None)


@lru_cache(maxsize=256)
def _moments(drops: DropRules, own: StoppingRule | None) -> tuple[Floats, Floats, Floats]:
    if own is None:
        stop = drops.good | drops.bad
    else:
        decided = np.broadcast_to((own.good | own.bad)[None], drops.bad.shape)
        stop = drops.bad | own.bad[None] | (drops.good & decided)
    return null_moments(stop, drops.bounds.lowest)

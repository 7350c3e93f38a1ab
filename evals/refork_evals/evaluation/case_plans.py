"""Chooses the plan of an item's trials once the number of items is known."""

from dataclasses import dataclass

from refork.records.variant import CURRENT

from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.settings import Settings
from refork_evals.gate.judge import before_of
from refork_evals.plans import FixedPlan, TrialPlan
from refork_evals.plans.planning import candidate_plan, plan_of
from refork_evals.verdicts.verdict import min_pass_rate_of


@dataclass
class Families:
    """The number of cells over which the verdicts of ``current`` and of the candidates are corrected."""

    current: int = 1
    candidates: int = 1

    def of(self, variant: str) -> int:
        return max(1, self.current if variant == CURRENT else self.candidates)


class CasePlans:
    """The plan of each measured case under each variant, made once."""

    def __init__(self, settings: Settings) -> None:
        self.families = Families()
        self._settings = settings
        self._made: dict[tuple[str, str, str | None], TrialPlan] = {}

    def of(self, measured_case: MeasuredCase, variant: str, model: str | None = None) -> TrialPlan:
        """Return the plan. ``model`` is the requested model if known: a baseline of another model is not compared
        with.
        """
        key = measured_case.name, variant, model
        if key not in self._made:
            self._made[key] = self._make(measured_case, variant, model)
        return self._made[key]

    def _make(self, measured_case: MeasuredCase, variant: str, model: str | None) -> TrialPlan:
        settings, case = self._settings, measured_case.case
        cases, defaults = self.families.of(variant), settings.defaults
        if settings.update is not None:
            rate = min_pass_rate_of(case, defaults.min_pass_rate)
            trials = settings.project.baseline_trials
            return FixedPlan(trials=trials, min_pass_rate=rate, alpha=defaults.alpha, cases=cases)
        if variant != CURRENT:
            return candidate_plan(case, defaults, cells=cases, cases=self.families.current)
        if settings.gate is None:
            return plan_of(case, defaults, cases=cases)
        entry = settings.gate.baseline.cases.get(measured_case.name)
        before = before_of(entry, measured_case.fingerprint, model)
        return plan_of(case, defaults, cases=cases, before=before, gated=True)

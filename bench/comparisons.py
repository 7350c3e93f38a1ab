"""Sessions of simulated candidates beside ``current``, measured and compared by the code that decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from refork.case_files.trial_settings import MAX_TRIALS
from refork.records.outcome import Trial
from refork.records.variant import CURRENT
from refork_evals.evaluation.side_by_side import next_round
from refork_evals.gate.judge import before_of
from refork_evals.plans import CandidatePlan, TrialPlan
from refork_evals.plans.planning import Defaults, candidate_plan, plan_of
from refork_evals.results import Change, Method, ScoredTrial, VariantComparison, Verdict
from refork_evals.verdicts.cells import count
from refork_evals.verdicts.comparison import Arm, compare, rounds_of

from bench.verdicts import BASELINE, CASE, FINGERPRINT, _entry

Rates = npt.NDArray[np.float64]
PASSED = ScoredTrial(trial=Trial(variant="", number=1), passed=True)
FAILED = ScoredTrial(trial=Trial(variant="", number=1), passed=False)
UNDECIDING: Final = "refork_evals.verdicts.comparison.clustered"
"""The estimate for cases like these decides nothing here, and takes nine tenths of the time."""
DIFFERENT = (Change.IMPROVED, Change.REGRESSED, Change.TRADE_OFF)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Sessions of ``cases`` with equal ``candidates``; ``rate`` is the true one of all, None for 0.3 to 1."""

    mode: Literal["auto", "gate", "trials: 10"]
    cases: int
    candidates: int
    rate: float | None
    sessions: int

    @property
    def name(self) -> str:
        rates = "0.3 to 1" if self.rate is None else f"{self.rate:g}"
        return (
            f"{self.mode}, {self.cases} case{'s' * (self.cases > 1)}, {self.candidates} candidates, "
            f"rate {rates}, {self.sessions} sessions"
        )

    def simulate(self, seed: int) -> "Sessions":
        drawn = np.random.default_rng(seed).uniform(0.3, 1, self.cases)
        rates = drawn if self.rate is None else np.full(self.cases, self.rate)
        return simulate(
            self.sessions,
            rates,
            np.tile(rates, (self.candidates, 1)),
            seed=seed,
            gate=self.mode == "gate",
            trials=10 if self.mode == "trials: 10" else None,
        )


EQUAL: Final = (
    Kind(mode="auto", cases=1, candidates=2, rate=0.7, sessions=3_000),
    Kind(mode="auto", cases=1, candidates=8, rate=0.5, sessions=1_000),
    Kind(mode="auto", cases=4, candidates=8, rate=None, sessions=500),
    Kind(mode="auto", cases=20, candidates=2, rate=0.5, sessions=400),
    Kind(mode="auto", cases=100, candidates=8, rate=None, sessions=50),
    Kind(mode="gate", cases=5, candidates=4, rate=0.7, sessions=500),
    Kind(mode="gate", cases=20, candidates=2, rate=None, sessions=400),
    Kind(mode="gate", cases=100, candidates=2, rate=None, sessions=150),
    Kind(mode="trials: 10", cases=1, candidates=2, rate=0.7, sessions=3_000),
    Kind(mode="trials: 10", cases=20, candidates=8, rate=0.5, sessions=500),
    Kind(mode="trials: 10", cases=100, candidates=2, rate=None, sessions=300),
)
"""Kinds of sessions in which nothing is different."""


@dataclass(kw_only=True)
class Sessions:
    """What became of many sessions of one kind."""

    sessions: int = 0
    different: int = 0
    """Those in which a candidate that is equal to ``current`` was called different."""
    found: int = 0
    """Those in which the first candidate was called better."""
    intervals: int = 0
    covering: int = 0
    cells: int = 0
    trials: int = 0

    @property
    def errs(self) -> float:
        return self.different / self.sessions

    @property
    def finds(self) -> float:
        return self.found / self.sessions

    @property
    def covers(self) -> float:
        return self.covering / self.intervals

    @property
    def per_cell(self) -> float:
        return self.trials / self.cells


def simulate(
    sessions: int, now: Rates, candidates: Rates, *, seed: int, gate: bool = False, trials: int | None = None
) -> Sessions:
    """``now`` has the pass rate of each case under ``current``, ``candidates`` those under each candidate."""
    random, defaults, tally = np.random.default_rng(seed), Defaults(trials=trials or "auto"), Sessions()
    for _ in range(sessions):
        arms = _arms(random, now, candidates, defaults, tally, gate=gate)
        with patch(UNDECIDING, return_value=None):
            found = compare(arms)
        tally.sessions += 1
        equal = [np.array_equal(now, each) for each in candidates]
        called = [each.change in DIFFERENT for each in found]
        tally.different += any(said for said, same in zip(called, equal, strict=True) if same)
        tally.found += found[0].change is Change.IMPROVED
        tally.intervals += len(found)
        tally.covering += sum(
            _covers(each, float((rates - now).mean())) for each, rates in zip(found, candidates, strict=True)
        )
    return tally


def _covers(found: VariantComparison, true: float) -> bool:
    return found.interval.low - 1e-9 <= true <= found.interval.high + 1e-9


def _arms(
    random: np.random.Generator,
    now: Rates,
    candidates: Rates,
    defaults: Defaults,
    tally: Sessions,
    *,
    gate: bool,
) -> list[Arm]:
    arms: list[Arm] = []
    names = [CURRENT, *(f"candidate {n}" for n in range(len(candidates)))]
    for case, rates in enumerate(np.vstack([now, candidates]).T):
        plans = dict(zip(names, _plans(random, rates, len(now), defaults, gate=gate), strict=True))
        draws = random.random((len(rates), MAX_TRIALS)) < rates[:, None]
        answers = {
            name: [PASSED if passed else FAILED for passed in line]
            for name, line in zip(names, draws, strict=True)
        }
        scored = _measured(plans, answers)
        tally.cells += len(scored)
        tally.trials += sum(map(len, scored.values()))
        arms += [_arm(f"case {case}", name, plans[name], scored) for name in names]
    return arms


def _plans(
    random: np.random.Generator, rates: Rates, cases: int, defaults: Defaults, *, gate: bool
) -> list[TrialPlan]:
    entry = _entry(int(random.binomial(BASELINE, rates[0])))
    before = before_of(entry, FINGERPRINT) if gate else None
    current = plan_of(CASE, defaults, cases=cases, before=before, gated=gate)
    cells = cases * (len(rates) - 1)
    return [current] + [candidate_plan(CASE, defaults, cells=cells, cases=cases) for _ in rates[1:]]


def _measured(
    plans: dict[str, TrialPlan], answers: dict[str, list[ScoredTrial]]
) -> dict[str, Sequence[ScoredTrial]]:
    first = max(plan.first for plan in plans.values())
    scored: dict[str, Sequence[ScoredTrial]] = {name: answers[name][:first] for name in plans}
    unsettled = set(plans)
    while unsettled and isinstance(plans[next(reversed(plans))], CandidatePlan):
        more = next_round(plans, scored, unsettled)
        scored = {name: answers[name][: len(scored[name]) + more.get(name, 0)] for name in plans}
        unsettled = {name for name in unsettled if more[name] or (name == CURRENT and any(more.values()))}
    return scored


def _arm(case: str, name: str, plan: TrialPlan, scored: dict[str, Sequence[ScoredTrial]]) -> Arm:
    own = scored[name]
    method = Method.FIXED if len(own) and plan.method is Method.FIXED else plan.method
    arm = Arm(
        case=case,
        variant=name,
        verdict=Verdict.INCONCLUSIVE,
        outcomes=tuple(each.passed for each in own),
        rounds=rounds_of(method, len(own), None),
    )
    if not isinstance(plan, CandidatePlan):
        return arm
    beside = plan.beside(count(own, None), count(scored[CURRENT][: len(own)], None))
    return replace(arm, rounds=len(own), beside=beside)

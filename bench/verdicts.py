"""Suites of simulated agents with known pass rates, decided by the code that decides: how often it errs.

Every suite draws a baseline of its own. What others would have said is read off the same draws.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
from refork.case_files.trial_settings import MAX_TRIALS, MIN_TRIALS
from refork.records import Case, Request, Run, Step
from refork.records.outcome import Trial
from refork.records.variant import CURRENT
from refork_evals.evaluation.looks import after_second_look
from refork_evals.gate import Baseline, BaselineCase, judge_gate
from refork_evals.gate.judge import before_of
from refork_evals.plans import BaselinePlan, TrialPlan
from refork_evals.plans.planning import Defaults, plan_of
from refork_evals.plans.shares import CONFIRMED, share_of_case
from refork_evals.results import CaseResult, Cell, Fingerprint, Gate, GateFinding, ScoredTrial
from refork_evals.statistics.draws import chance
from refork_evals.statistics.drops import drop_rules
from refork_evals.statistics.sequential import Bounds
from refork_evals.verdicts.decision import CellCounts
from scipy.stats import binom, hypergeom

BASELINE = 30
GATES = 20
WELL, FALLEN = 0.95, 0.5
DEFAULTS = Defaults(confirm=True)
"""Those of a session at the gate, which asks a case that dropped once more."""
LOOKS = 2
FINGERPRINT = Fingerprint(run="r", scorers="s")
OTHERS = ("at least 4 of 5", "at least 80% of 10", "Fisher's exact test, uncorrected")

Draws = npt.NDArray[np.bool_]
"""``[case, trial]``: whether it passed, or whether it could not be measured."""


@dataclass(frozen=True)
class Suite:
    baseline: tuple[int, ...]
    draws: Draws
    lost: Draws
    trials: int = BASELINE


@dataclass(kw_only=True)
class Tally:
    """What became of many suites of the same kind."""

    suites: int = 0
    red: int = 0
    found: int = 0
    trials: int = 0
    cases: int = 0
    others: dict[str, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(OTHERS, 0))

    @property
    def reds(self) -> float:
        return self.red / self.suites

    @property
    def finds(self) -> float:
        """How often the first case was found to have regressed."""
        return self.found / self.suites

    @property
    def per_case(self) -> float:
        return self.trials / self.cases


def unchanged(suites: int, cases: int, seed: int) -> Tally:
    """Nothing changed; true pass rates between 0.6 and 1."""
    return _tally(_suites(suites, cases, seed, fallen=False))


def one_fell(suites: int, cases: int, seed: int, *, raising: float = 0.0) -> Tally:
    """The first case fell from 0.95 to 0.5. Of its bad answers a share of ``raising`` cannot be measured."""
    return _tally(_suites(suites, cases, seed, fallen=True, raising=raising))


def some_lost(suites: int, cases: int, seed: int, share: float) -> Tally:
    """Nothing changed, but a share of all trials is lost, as with a provider that is overloaded."""
    return _tally(_suites(suites, cases, seed, fallen=False, lost=share))


def red_in_twenty(baselines: int, cases: int, seed: int, trials: int) -> float:
    """The share of baselines, each of so many trials a case, on which any of 20 gates is red: nothing changed."""
    random = np.random.default_rng(seed)
    red = 0
    for _ in range(baselines):
        rates = random.uniform(0.6, 1, cases)
        baseline = tuple(int(passes) for passes in random.binomial(trials, rates))
        draws = (random.random((cases, LOOKS * MAX_TRIALS)) < rates[:, None] for _ in range(GATES))
        gates = (Suite(baseline, each, np.zeros_like(each), trials) for each in draws)
        red += any(not _judged(suite).passes for suite in gates)
    return red / baselines


def power(cases: int, trials: int) -> float:
    """How often one case that falls from 0.95 to 0.5 is found, beside a baseline of so many trials: exact.

    Given the baseline the two looks are independent, so its passes are gone through one by one.
    """
    bounds = Bounds(MIN_TRIALS, MAX_TRIALS)
    rules = drop_rules(
        trials,
        bounds,
        smallest_drop=DEFAULTS.smallest_drop,
        alpha_good=DEFAULTS.alpha,
        alpha_bad=CONFIRMED * share_of_case(DEFAULTS.alpha, cases),
    )
    found = 0.0
    for passes in range(trials + 1):
        weight = float(binom.pmf(passes, trials, WELL))
        if weight > 1e-9:
            alone = np.zeros_like(rules.bad)
            alone[passes] = rules.bad[passes]
            both = chance(alone, bounds.lowest, np.array([WELL]), np.array([FALLEN]), other=rules.good)[0]
            found += weight * (float(both) / weight) ** LOOKS
    return found


def fixed_trials(cases: int, power: float = 0.9) -> int:
    """The smallest fixed number of trials that finds such a fall so often, beside the same baseline: exact."""
    for trials in range(5, 201):
        rules = drop_rules(
            BASELINE,
            Bounds(trials, trials),
            smallest_drop=DEFAULTS.smallest_drop,
            alpha_good=DEFAULTS.alpha,
            alpha_bad=share_of_case(DEFAULTS.alpha, cases),
        )
        found = chance(rules.bad, trials, np.array([WELL]), np.array([FALLEN]))
        if found[0] >= power:
            return trials
    raise AssertionError("no number of trials finds it")


def _suites(
    suites: int, cases: int, seed: int, *, fallen: bool, raising: float = 0.0, lost: float = 0.0
) -> Iterator[Suite]:
    random = np.random.default_rng(seed)
    for _ in range(suites):
        before = random.uniform(0.6, 1, cases)
        now = before.copy()
        if fallen:
            before[0], now[0] = WELL, FALLEN
        baseline = random.binomial(BASELINE, before)
        draws = random.random((cases, LOOKS * MAX_TRIALS)) < now[:, None]
        chance_of_loss = np.where(draws, 0.0, raising) + lost
        away = random.random(draws.shape) < chance_of_loss if raising or lost else np.zeros_like(draws)
        yield Suite(tuple(int(passes) for passes in baseline), draws & ~away, away)


def _judged(suite: Suite) -> Gate:
    results, baseline, _ = _measured(suite)
    return judge_gate(results, baseline, DEFAULTS, source="baseline.json")


def _tally(suites: Iterator[Suite]) -> Tally:
    tally = Tally()
    for suite in suites:
        results, baseline, trials = _measured(suite)
        gate = judge_gate(results, baseline, DEFAULTS, source="baseline.json")
        tally.suites += 1
        tally.red += not gate.passes
        tally.found += gate.cases[0].finding in (GateFinding.REGRESSED, GateFinding.ERROR)
        tally.trials += trials
        tally.cases += len(results)
        for name, says in _others(suite).items():
            tally.others[name] += says
    return tally


def _measured(suite: Suite) -> tuple[list[CaseResult], Baseline, int]:
    cases = len(suite.baseline)
    entries = {f"case-{n}": _entry(passes, suite.trials) for n, passes in enumerate(suite.baseline)}
    results: list[CaseResult] = []
    for (name, entry), draws, lost in zip(entries.items(), suite.draws, suite.lost, strict=True):
        case = dataclasses.replace(CASE, name=name)
        before = before_of(entry, FINGERPRINT)
        plan = plan_of(case, DEFAULTS, cases=cases, before=before, gated=True)
        results.append(_result(case, plan, _run(plan, draws, lost)))
    return (
        results,
        Baseline(cases=entries),
        sum(len(cell.trials) for result in results for cell in result.cells),
    )


def _run(plan: TrialPlan, draws: Draws, lost: Draws) -> list[CellCounts]:
    """Trials in batches, as many as the plan asks for: the counts of each look."""
    looks = [_look(plan, draws, lost)]
    if isinstance(plan, BaselinePlan) and plan.suspects(looks[0]):
        looks.append(_look(plan, draws[looks[0].scheduled :], lost[looks[0].scheduled :]))
    return looks


def _look(plan: TrialPlan, draws: Draws, lost: Draws) -> CellCounts:
    ran, more, counts = 0, plan.first, CellCounts()
    while more:
        ran += more
        passes, errors = int(draws[:ran].sum()), int(lost[:ran].sum())
        counts = CellCounts(passes=passes, failures=ran - passes - errors, errors=errors)
        more = plan.more(counts)
    return counts


def _result(case: Case, plan: TrialPlan, looks: list[CellCounts]) -> CaseResult:
    counts, *again = looks
    decision = plan.decide(counts)
    trials = [trial for look in looks for trial in _trials(look)]
    cell = Cell(
        case=case.name,
        variant=CURRENT,
        verdict=decision.verdict,
        min_pass_rate=0.7,
        passes=counts.passes,
        failures=counts.failures,
        errors=counts.errors,
        trials=tuple(trials),
        counted=counts.scheduled if again else None,
        comparison=decision.comparison,
        request=REQUEST,
    )
    if isinstance(plan, BaselinePlan) and again:
        cell = after_second_look(cell, plan, counts, again[0])
    return CaseResult(case=case, recorded=None, cells=(cell,), fingerprint=FINGERPRINT)


def _trials(counts: CellCounts) -> list[ScoredTrial]:
    return [*[PASSED] * counts.passes, *[FAILED] * counts.failures, *[LOST] * counts.errors]


def _others(suite: Suite) -> dict[str, bool]:
    """Whether others would have called this suite red, from the same draws."""
    passes = suite.draws.cumsum(axis=1)
    fixed = FISHER_TRIALS
    now, before = passes[:, fixed - 1], np.array(suite.baseline)
    p_values = hypergeom.cdf(now, BASELINE + fixed, before + now, fixed)
    return {
        OTHERS[0]: bool((passes[:, 4] < 4).any()),
        OTHERS[1]: bool((passes[:, 9] < 8).any()),
        OTHERS[2]: bool(np.any(p_values <= DEFAULTS.alpha)),
    }


def _entry(passes: int, trials: int = BASELINE) -> BaselineCase:
    return BaselineCase(
        passes=passes, trials=trials, model="m", run="r", scorers="s", measured_on=date(2026, 1, 1)
    )


FISHER_TRIALS = 30
REQUEST = Request(model="m")
PASSED, FAILED, LOST = (
    ScoredTrial(trial=Trial(variant=CURRENT, number=1), passed=passed) for passed in (True, False, None)
)
CASE = Case(
    name="case",
    folder=Path(),
    run=Run(id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s"),)),
    step=1,
)

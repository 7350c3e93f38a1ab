"""The numbers of docs/verdicts.md are those of the code that decides."""

import re
from pathlib import Path

import numpy as np
import pytest
from refork.case_files.trial_settings import MAX_TRIALS, MIN_TRIALS, SMALLEST_DROP
from refork.config.settings import ProjectSettings
from refork_evals.gate.errors import MOST
from refork_evals.plans import BaselinePlan, CandidatePlan, FixedPlan, SequentialPlan
from refork_evals.plans.candidate import NARROW
from refork_evals.plans.shares import (
    CASES_SHARE,
    CONFIRMED,
    SUITE_CASES,
    SUITE_SHARE,
    share_of_case,
    share_of_pair,
)
from refork_evals.results import Verdict
from refork_evals.statistics import lowest_rate, p_of_at_least, p_of_at_most, trials_needed
from refork_evals.statistics.draws import chance
from refork_evals.statistics.drops import drop_rules
from refork_evals.statistics.rounds import START, looks_of
from refork_evals.statistics.sequential import Bounds
from refork_evals.statistics.strata import CLUSTERS
from refork_evals.verdicts.comparison import MARGIN
from refork_evals.verdicts.decision import ALPHA, CellCounts
from refork_evals.verdicts.estimates import FEW
from refork_evals.verdicts.verdict import MIN_PASS_RATE
from scipy.stats import binom

DOCS = Path(__file__).parents[2] / "docs"
PAGE = " ".join((DOCS / "verdicts.md").read_text(encoding="utf-8").split())
BOUNDS = Bounds(MIN_TRIALS, MAX_TRIALS)
WORDS = {2: "half", 3: "three", 5: "fifth", 6: "six"}


def sequential(cases: int) -> SequentialPlan:
    return SequentialPlan(bounds=BOUNDS, min_pass_rate=MIN_PASS_RATE, alpha=ALPHA, cases=cases)


def candidate(cases: int) -> CandidatePlan:
    return CandidatePlan(rate=sequential(cases), alpha=share_of_pair(ALPHA, cases, cases))


def trials_until_decided(plan: SequentialPlan, *, passes: bool) -> int:
    ran, more = 0, plan.first
    while more:
        ran += more
        more = plan.more(CellCounts(passes=ran) if passes else CellCounts(failures=ran))
    return ran


def test_the_defaults_are_the_codes() -> None:
    for said in (
        f"`min_pass_rate` (default {MIN_PASS_RATE:g})",
        f"each at `alpha` = {ALPHA:g}",
        f"once in {1 / ALPHA:.0f} times",
        f"starts with `min_trials` ({MIN_TRIALS})",
        f"up to `max_trials` ({MAX_TRIALS})",
        f"a drop of `smallest_drop` ({SMALLEST_DROP:g}) or more is ruled out",
        f"`baseline_trials` trials passed ({ProjectSettings.model_fields['baseline_trials'].default} trials",
        f"unchanged within {MARGIN * 100:.0f} points**: a difference of {MARGIN * 100:.0f} points",
        f"For cases like these**, if there are at least {WORDS[CLUSTERS]}",
        f"With {WORDS[SUITE_CASES]} cases or more, a {WORDS[round(1 / SUITE_SHARE)]} of `alpha`",
        f"may err {CONFIRMED} times the case's share",
        f"share one {WORDS[round(1 / CASES_SHARE)]} of `alpha`",
        f"if more than {WORDS[round(1 / MOST)]} of its trials ended in an error",
    ):
        assert said in PAGE


def test_the_looks_of_candidates_and_the_first_round_are_the_codes() -> None:
    first, *others, last = looks_of(BOUNDS)
    assert f"{first} each, then {', '.join(map(str, others))} and {last}." in PAGE
    assert f"as many as every case has: {START}, or more" in PAGE
    assert f"the interval of that rate is at most {NARROW:g} wide" in PAGE


def test_the_example_of_a_rate_that_is_known_well_enough_is_true() -> None:
    found = candidate(1).decide(CellCounts(passes=28, failures=12))
    assert found.verdict is Verdict.INCONCLUSIVE
    (example,) = re.findall(r'wide \("([^"]+)"\)', PAGE)
    assert found.reason.startswith(example)


def test_a_prompt_that_always_passes_or_fails_takes_as_many_trials_as_it_says() -> None:
    passing = {trials_until_decided(sequential(cases), passes=True) for cases in (1, 20)}
    failing = {trials_until_decided(sequential(cases), passes=False) for cases in (1, 20)}
    ((at, after, low, high),) = re.findall(
        r"always passes is `pass` at ([\d.]+) after (\d+) trials, one that always fails is `fail` after (\d) or (\d)",
        PAGE,
    )
    assert (float(at), {int(after)}, {int(low), int(high)}) == (MIN_PASS_RATE, passing, failing)


@pytest.mark.parametrize("cases", [1, 4])
def test_a_candidate_is_soon_distinguished_from_one_that_always_fails(cases: int) -> None:
    ((rate, first, second),) = re.findall(
        r"A candidate at ([\d.]+) takes (\d+) to (\d+) trials in most sessions if `current` always fails",
        PAGE,
    )
    plan = candidate(cases)
    assert plan.looks[:2] == (int(first), int(second))
    enough = min(n for n in range(int(second) + 1) if plan.pair.better(n, 0, int(second)))
    assert p_of_at_least(enough, int(second), float(rate)) >= 0.9


def test_single_probabilities_are_the_codes() -> None:
    assert f"one time in three (p = {p_of_at_least(5, 5, 0.8):.2f})" in PAGE
    assert f"5 of 10 against 0.8 is p = {p_of_at_most(5, 10, 0.8):.3f} on its own" in PAGE
    assert 20 * p_of_at_most(5, 10, 0.8) > ALPHA
    assert f"a pass rate of {lowest_rate(10, ALPHA):.2f} also passes ten trials out of ten" in PAGE


ROW = re.compile(
    r"\| (0\.\d) \| (\d+) \| (never|\d+)(?: passes)? \| (\d+)(?: pass)? \| (\d+)(?: trials)? (?=\|)"
)


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: f"{row[0]}-of-{row[1]}")
def test_the_table_of_fixed_numbers_is_what_the_plan_decides(row: tuple[str, ...]) -> None:
    rate, trials = float(row[0]), int(row[1])
    plan = FixedPlan(trials=trials, min_pass_rate=rate, alpha=ALPHA)
    found = [plan.decide(CellCounts(passes=n, failures=trials - n)).verdict for n in range(trials + 1)]
    passing = [n for n, verdict in enumerate(found) if verdict is Verdict.PASS]
    failing = [n for n, verdict in enumerate(found) if verdict is Verdict.FAIL]
    assert row[2] == (str(min(passing)) if passing else "never")
    assert (int(row[3]), int(row[4])) == (max(failing), trials_needed(rate, ALPHA, 1))


def test_the_table_has_its_rows() -> None:
    assert len(ROW.findall(PAGE)) == 6


def test_the_gate_finds_the_fall_that_it_names() -> None:
    ((before, now, power),) = re.findall(
        r"falls from (\d+)% to (\d+)% or less is found in (\d+)% of gates", PAGE
    )
    plan = BaselinePlan(
        before=29, trials_before=30, bounds=BOUNDS, alpha=share_of_case(ALPHA, 20), is_confirmed=True
    )
    found = plan.finds(int(before) / 100, int(power) / 100)
    assert found == pytest.approx(int(now) / 100)


def test_a_fixed_number_as_sharp_as_the_gate_is_the_one_that_it_names() -> None:
    ((trials,),) = [re.findall(r"where an equally sharp fixed number takes (\d+)", PAGE)]
    found = [_found_by(fixed) for fixed in (int(trials) - 1, int(trials))]
    assert found[0] < 0.9 <= found[1]


@pytest.mark.parametrize("baseline", [30, 60])
def test_a_baseline_finds_in_the_largest_suite_as_often_as_the_table_says(baseline: int) -> None:
    ((said,),) = [re.findall(rf"a baseline of {baseline} trials [^%]*%[^%]*% \| ([\d.]+)% \|", PAGE)]
    assert f"{_found_twice(300, baseline):.1%}" == f"{said}%"


def _found_twice(cases: int, baseline: int) -> float:
    """How often both looks show a fall from 0.95 to 0.5, which given the baseline are independent."""
    rules = drop_rules(
        baseline,
        BOUNDS,
        smallest_drop=SMALLEST_DROP,
        alpha_good=ALPHA,
        alpha_bad=CONFIRMED * share_of_case(ALPHA, cases),
    )
    found = 0.0
    for passes, weight in enumerate(binom.pmf(np.arange(baseline + 1), baseline, 0.95)):
        if weight > 1e-9:
            alone = np.zeros_like(rules.bad)
            alone[passes] = rules.bad[passes]
            both = chance(alone, BOUNDS.lowest, np.array([0.95]), np.array([0.5]), other=rules.good)
            found += float(both[0]) ** 2 / float(weight)
    return found


def _found_by(trials: int) -> float:
    """How often so many trials find a fall from 0.95 to 0.5 in one of 20 cases, beside a baseline of 30."""
    return _found(Bounds(trials, trials), 20, 30)


def _found(bounds: Bounds, cases: int, baseline: int) -> float:
    """How often a fall from 0.95 to 0.5 is found in one case of so many."""
    rules = drop_rules(
        baseline,
        bounds,
        smallest_drop=SMALLEST_DROP,
        alpha_good=ALPHA,
        alpha_bad=share_of_case(ALPHA, cases),
    )
    return float(chance(rules.bad, bounds.lowest, np.array([0.95]), np.array([0.5]), other=rules.good)[0])


def test_the_page_of_results_names_where_resampling_begins() -> None:
    assert f"Below {FEW} values it is Student's" in (DOCS / "results.md").read_text(encoding="utf-8")

"""A rule that is looked at after every trial errs no more often than it says."""

import numpy as np
import pytest
from refork.errors import BadInputError
from refork_evals.statistics.draws import RATES, chance, null_moments
from refork_evals.statistics.drops import drop_rules
from refork_evals.statistics.sequential import Bounds, StoppingRule, rate_rule
from refork_evals.statistics.stratified import Stratum, p_of_drop

BOUNDS = Bounds(5, 60)
DROPS = drop_rules(30, BOUNDS, smallest_drop=0.4, alpha_good=0.05, alpha_bad=0.002)


def stops(rule: StoppingRule, rate: float, trials: int = 20_000) -> tuple[float, float, float]:
    """How often draws with a pass rate end good or bad, and after how many trials, looking at every one."""
    random = np.random.default_rng(7)
    passes = (random.random((trials, rule.bounds.highest)) < rate).cumsum(axis=1)
    good, bad, used = 0, 0, 0
    for path in passes:
        for n in range(rule.bounds.lowest, rule.bounds.highest + 1):
            found = rule.decided(int(path[n - 1]), n)
            if found is not None or n == rule.bounds.highest:
                good, bad, used = good + (found is True), bad + (found is False), used + n
                break
    return good / trials, bad / trials, used / trials


@pytest.mark.parametrize("rate", [0.3, 0.7, 0.9])
def test_at_the_threshold_itself_neither_answer_comes_up_more_often_than_it_may(rate: float) -> None:
    rule = rate_rule(rate, BOUNDS, alpha_good=0.05, alpha_bad=0.01)
    good, bad, _ = stops(rule, rate, 4_000)
    assert good <= 0.05 + 0.012
    assert bad <= 0.01 + 0.006


def test_a_clear_case_takes_few_trials_and_a_doubtful_one_many() -> None:
    rule = rate_rule(0.7, BOUNDS, alpha_good=0.05, alpha_bad=0.05)
    (good, _, clear), (_, bad, failing) = stops(rule, 1.0, 300), stops(rule, 0.1, 300)
    _, _, doubtful = stops(rule, 0.7, 300)
    assert (good, bad) == (1.0, 1.0)
    assert clear <= 12
    assert failing <= 12
    assert doubtful >= 40


def test_the_chances_are_those_of_draws() -> None:
    random = np.random.default_rng(1)
    called = 0
    for _ in range(2_000):
        rule = DROPS.rule(int(random.binomial(30, 0.95)))
        passes = (random.random(60) < 0.6).cumsum()
        ends = next((f for n in range(5, 61) if (f := rule.decided(int(passes[n - 1]), n)) is not None), None)
        called += ends is False
    exact = chance(DROPS.bad, BOUNDS.lowest, np.array([0.95]), np.array([0.6]), other=DROPS.good)[0]
    assert called / 2_000 == pytest.approx(exact, abs=0.035)


def test_no_trial_is_run_that_could_not_decide() -> None:
    rule = DROPS.rule(29)
    for n in range(5, 40):
        for passes in range(n + 1):
            more = rule.missing(passes, n)
            if more:
                before = range(1, more)
                assert all(rule.decided(passes + k, n + j) is None for j in before for k in range(j + 1))
                assert any(rule.decided(passes + k, n + more) is not None for k in range(more + 1))


def test_trials_that_could_not_be_measured_speak_for_neither_side() -> None:
    rule = rate_rule(0.5, BOUNDS, alpha_good=0.05, alpha_bad=0.05)
    assert rule.decided(12, 12) is True
    assert rule.decided(0, 12) is False
    assert rule.decided(6, 12, unknown=6) is None


def test_one_failure_refutes_a_rate_of_1_and_ten_passes_let_it_be() -> None:
    rule = rate_rule(1.0, BOUNDS, alpha_good=0.05, alpha_bad=0.05)
    assert (rule.decided(4, 5), rule.decided(9, 9), rule.decided(10, 10)) == (False, None, True)
    assert rule.missing(5, 5) == 1


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"min_trials must be from 1 to max_trials \(3\), and is 5"):
        Bounds(5, 3)


class TestTheSuiteAsAWhole:
    MOMENTS = null_moments(DROPS.good | DROPS.bad, BOUNDS.lowest)

    def p_value(self, random: np.random.Generator, drop: float, cases: int = 20) -> float:
        return p_of_drop([self.drawn(random, drop) for _ in range(cases)])

    def drawn(self, random: np.random.Generator, drop: float) -> Stratum:
        rate = random.uniform(0.6, 1)
        before = int(random.binomial(30, rate))
        rule = DROPS.rule(before)
        passes = (random.random(60) < rate - drop).cumsum()
        n = next((n for n in range(5, 60) if rule.decided(int(passes[n - 1]), n) is not None), 60)
        return Stratum(
            baseline_passes=before,
            baseline_trials=30,
            passes=int(passes[n - 1]),
            trials=n,
            moments=self.MOMENTS,
        )

    def test_it_is_called_a_drop_as_seldom_as_it_says_although_each_case_stopped_on_what_it_saw(self) -> None:
        random = np.random.default_rng(3)
        small = [self.p_value(random, 0.0) <= 0.05 for _ in range(1_500)]
        assert sum(small) / len(small) == pytest.approx(0.05, abs=0.017)

    def test_many_small_drops_that_no_case_shows_are_found(self) -> None:
        random = np.random.default_rng(4)
        found = [self.p_value(random, 0.15) <= 0.01 for _ in range(50)]
        assert sum(found) >= 45

    def test_where_nothing_ever_failed_there_is_nothing_to_say(self) -> None:
        perfect = Stratum(baseline_passes=30, baseline_trials=30, passes=8, trials=8, moments=self.MOMENTS)
        assert p_of_drop([perfect] * 20) == 1.0
        assert p_of_drop([]) == 1.0

    def test_the_moments_are_those_of_draws(self) -> None:
        random = np.random.default_rng(5)
        lags = []
        for _ in range(3_000):
            before = int(random.binomial(30, 0.8))
            rule = DROPS.rule(before)
            passes = (random.random(60) < 0.8).cumsum()
            n = next((n for n in range(5, 60) if rule.decided(int(passes[n - 1]), n) is not None), 60)
            lags.append((30 * int(passes[n - 1]) - n * before) / (30 + n))
        at = int(np.argmin(abs(RATES - 0.8)))
        mean, variance, _ = (moment[at] for moment in self.MOMENTS)
        assert np.mean(lags) == pytest.approx(mean, abs=4 * (variance / 3_000) ** 0.5)
        assert np.var(lags) == pytest.approx(variance, rel=0.1)

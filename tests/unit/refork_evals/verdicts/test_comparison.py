"""Variants beside one another: each case beside itself, all cases together."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from refork_evals.results import Change, VariantComparison, Verdict
from refork_evals.statistics.strata import (
    Pair,
    clustered,
    detectable,
    difference,
    interval,
    mean_interval,
    p_of_no_difference,
)
from refork_evals.verdicts.comparison import Arm, compare, margin_of
from scipy.stats import fisher_exact


def pair(now: str, before: str) -> Pair:
    (passes, trials), (then, total) = (map(int, each.split("/")) for each in (now, before))
    return Pair(passes=passes, trials=trials, passes_before=then, trials_before=total)


def arms(variant: str, *counts: str, verdict: Verdict = Verdict.PASS, **known: Any) -> list[Arm]:
    made = [tuple(map(int, each.split("/"))) for each in counts]
    return [
        Arm(
            case=f"case-{n}",
            variant=variant,
            verdict=verdict,
            outcomes=(True,) * passes + (False,) * (trials - passes),
            **known,
        )
        for n, (passes, trials) in enumerate(made)
    ]


def compared(now: list[str], before: list[str]) -> VariantComparison:
    (found,) = compare([*arms("current", *before), *arms("careful", *now)])
    return found


@pytest.mark.parametrize(
    ("now", "before"), [("9/10", "3/10"), ("5/5", "0/30"), ("7/12", "7/12"), ("3/20", "8/9")]
)
def test_with_one_case_the_exact_test_is_fishers(now: str, before: str) -> None:
    found = pair(now, before)
    table: Any = [
        [found.passes, found.trials - found.passes],
        [found.passes_before, found.trials_before - found.passes_before],
    ]
    tails = [fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
    assert p_of_no_difference([found]) == pytest.approx(min(1.0, 2 * min(tails)))


def test_over_cases_that_do_not_differ_the_exact_test_errs_no_more_often_than_it_says() -> None:
    random = np.random.default_rng(2)
    called = 0
    for _ in range(1_000):
        rates = random.uniform(0.3, 1, 8)
        now, before = random.binomial(10, rates), random.binomial(10, rates)
        pairs = [pair(f"{a}/10", f"{b}/10") for a, b in zip(now, before, strict=True)]
        called += p_of_no_difference(pairs) <= 0.05
    assert called / 1_000 <= 0.05 + 0.014


def test_the_interval_holds_the_difference_as_often_as_it_says() -> None:
    random = np.random.default_rng(6)
    held = 0
    for _ in range(600):
        now, before = random.binomial(10, 0.9, 6), random.binomial(10, 0.6, 6)
        found = interval([pair(f"{a}/10", f"{b}/10") for a, b in zip(now, before, strict=True)])
        held += found.low <= 0.3 <= found.high
    assert held / 600 >= 0.93


def test_a_case_is_compared_with_itself_so_a_hard_one_that_only_one_variant_met_says_nothing() -> None:
    easy_and_hard = [pair("10/10", "5/5"), pair("1/10", "10/100")]
    assert difference(easy_and_hard) == pytest.approx(0.0)
    assert p_of_no_difference(easy_and_hard) == 1.0


def test_what_so_many_trials_can_find_shrinks_with_their_number() -> None:
    few, many = [pair("5/10", "5/10")] * 2, [pair("50/100", "50/100")] * 2
    assert detectable(few, 0.05) == pytest.approx(0.44, abs=0.03)
    assert detectable(many, 0.05) == pytest.approx(0.14, abs=0.02)


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (["10/10"] * 3, ["2/10"] * 3, Change.IMPROVED),
        (["2/10"] * 3, ["10/10"] * 3, Change.REGRESSED),
        (["10/10", "0/10"], ["0/10", "10/10"], Change.TRADE_OFF),
        (["30/30", "30/30", "30/30", "10/30"], ["5/30", "5/30", "5/30", "30/30"], Change.TRADE_OFF),
        (["19/20"] * 4, ["19/20"] * 4, Change.UNCHANGED),
        (["3/5"], ["2/5"], Change.INCONCLUSIVE),
    ],
)
def test_what_is_said_of_a_variant(now: list[str], before: list[str], change: Change) -> None:
    assert compared(now, before).change is change


def test_the_cases_that_flipped_and_those_that_differ_on_their_own_are_named() -> None:
    found = compare(
        [
            *arms("current", "0/10", "10/10", verdict=Verdict.FAIL),
            *arms("careful", "10/10", "9/10", verdict=Verdict.PASS),
        ]
    )[0]
    assert (found.better, found.worse) == (("case-0",), ())
    assert [(flip.case, flip.before, flip.now) for flip in found.flips] == [
        ("case-0", "fail", "pass"),
        ("case-1", "fail", "pass"),
    ]


@pytest.mark.parametrize("now", [Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE])
def test_a_verdict_about_a_rate_is_no_flip_of_one_about_a_baseline(now: Verdict) -> None:
    beside = arms("current", "0/10", verdict=Verdict.HELD, beside_baseline=True)
    (found,) = compare([*beside, *arms("careful", "10/10", verdict=now)])
    assert (found.flips, found.better) == ((), ("case-0",))


@pytest.mark.parametrize(
    ("now", "change"),
    [
        (["5/30", "30/30", "30/30"], Change.TRADE_OFF),
        (["15/30", *["11/30"] * 6], Change.TRADE_OFF),
        (["5/30", *["5/30"] * 2], Change.REGRESSED),
    ],
)
def test_a_guard_that_is_worse_comes_first_whatever_the_mean(now: list[str], change: Change) -> None:
    before = arms("current", "30/30", *["5/30"] * (len(now) - 1))
    guarded = [replace(arm, guard=arm.case == "case-0") for arm in (*before, *arms("careful", *now))]
    (found,) = compare(guarded)
    assert (found.worse_guards, found.worse, found.change) == (("case-0",), ("case-0",), change)


def test_guards_come_first_among_the_cases_that_are_worse() -> None:
    both = [*arms("current", "30/30", "30/30"), *arms("careful", "0/30", "0/30")]
    (found,) = compare([replace(arm, guard=arm.case == "case-1") for arm in both])
    assert (found.worse, found.worse_guards) == (("case-1", "case-0"), ("case-1",))


def test_several_variants_share_one_error_rate() -> None:
    base = arms("current", "4/10")
    (alone,) = compare([*base, *arms("a", "9/10")])
    among = compare([*base, *arms("a", "9/10"), *arms("b", "4/10"), *arms("c", "5/10")])
    assert [found.variant for found in among] == ["a", "b", "c"]
    assert among[0].p_value == pytest.approx(3 * alone.p_value)


def test_only_cases_that_both_were_measured_on_count() -> None:
    found = compare([*arms("current", "5/10"), *arms("careful", "5/10", "0/10"), *arms("current", "0/0")[:0]])
    assert [each.cases for each in found] == [1]
    assert compare(arms("careful", "5/10")) == ()


def test_tokens_cost_and_time_are_means_over_cases_and_unknown_where_one_is() -> None:
    known: dict[str, Any] = {"tokens": 100.0, "cost_usd": Decimal("0.01"), "seconds": 2.0}
    half: dict[str, Any] = {"tokens": 50.0, "cost_usd": None, "seconds": 1.0}
    (found,) = compare([*arms("current", "5/10", **known), *arms("careful", "5/10", **half)])
    assert found.tokens is not None
    assert (found.tokens.ratio, found.cost_usd) == (0.5, None)


def test_trials_that_were_not_measured_count_against_what_is_to_be_shown() -> None:
    (clear,) = compare([*arms("current", "1/10", "5/10"), *arms("careful", "10/10", "5/10")])
    unknown = [
        replace(arm, outcomes=(True,) * 6 + (None,) * 4) if arm.case == "case-0" else arm
        for arm in arms("careful", "10/10", "5/10")
    ]
    (open_,) = compare([*arms("current", "1/10", "5/10"), *unknown])
    assert (clear.better, open_.better) == (("case-0",), ())


def test_where_a_candidate_has_a_fixed_number_of_trials_all_those_of_current_are_compared() -> None:
    at_the_gate = [replace(arm, rounds=10) for arm in arms("current", *["6/30"] * 2)]
    (found,) = compare([*at_the_gate, *arms("careful", *["24/30"] * 2)])
    assert found.difference == pytest.approx(0.6)
    assert found.better == ("case-0", "case-1")


class TestCasesLikeThese:
    def test_below_six_cases_nothing_is_said(self) -> None:
        assert clustered([pair("10/10", "0/10")] * 5) is None
        assert compared(["10/10"] * 5, ["0/10"] * 5).like_these is None

    def test_a_case_counts_once_however_many_trials_it_has(self) -> None:
        found = clustered([pair("100/100", "0/100"), *[pair("5/10", "5/10")] * 7])
        assert found is not None
        assert found.difference == pytest.approx(1 / 8)
        assert found.p_value > 0.5

    def test_cases_that_all_got_better_say_so_of_cases_like_these(self) -> None:
        found = clustered([pair("9/10", "3/10"), *[pair("8/10", "3/10")] * 6])
        assert found is not None
        assert found.p_value == pytest.approx(2 / 2**7)
        assert found.interval is not None
        assert found.interval.low > 0.4

    def test_cases_that_did_not_move_have_no_interval_to_show(self) -> None:
        found = clustered([pair("5/10", "5/10")] * 6)
        assert found is not None
        assert (found.difference, found.interval, found.p_value) == (0.0, None, 1.0)


class TestTrialsThatStoppedOnWhatTheyShowed:
    """Cases whose trials ended by a rule are compared over the rounds that all of them have."""

    def beside(self, variant: str, *cases: tuple[str, Change], rounds: int | None = None) -> list[Arm]:
        made = arms(variant, *[counts for counts, _ in cases])
        return [
            replace(arm, rounds=rounds or len(arm.outcomes), beside=change)
            for arm, (_, change) in zip(made, cases, strict=True)
        ]

    def base(self, *counts: str) -> list[Arm]:
        return [replace(arm, rounds=10) for arm in arms("current", *counts)]

    def test_the_case_that_stopped_first_says_how_many_rounds_count(self) -> None:
        (found,) = compare(
            [
                *self.base("0/20", "0/60"),
                *self.beside("careful", ("10/10", Change.IMPROVED), ("10/40", Change.INCONCLUSIVE)),
            ]
        )
        assert found.difference == pytest.approx(1.0)
        assert (found.better, found.worse) == (("case-0",), ())

    def test_a_case_that_a_budget_ended_early_is_left_out(self) -> None:
        (found,) = compare(
            [
                *self.base("0/20", "0/60"),
                *self.beside("careful", ("2/2", Change.INCONCLUSIVE), ("10/40", Change.INCONCLUSIVE)),
            ]
        )
        assert found.cases == 1

    def test_of_a_single_case_its_own_rule_has_decided(self) -> None:
        (found,) = compare([*self.base("3/15"), *self.beside("careful", ("11/15", Change.INCONCLUSIVE))])
        assert found.p_value <= 0.05
        assert found.change is not Change.IMPROVED

    def test_two_candidates_are_compared_over_the_first_round_since_neither_waited_for_the_other(
        self,
    ) -> None:
        careful = self.beside("careful", ("40/40", Change.IMPROVED), ("40/40", Change.IMPROVED))
        terse = self.beside("terse", ("20/40", Change.IMPROVED), ("20/40", Change.IMPROVED))
        (found,) = compare([*careful, *terse], against="careful")
        assert (found.difference, found.better, found.worse) == (0.0, (), ())

    @pytest.mark.parametrize(("cases", "sessions"), [(1, 600), (6, 300), (40, 60)])
    def test_the_interval_holds_the_mean_difference(self, cases: int, sessions: int) -> None:
        random = np.random.default_rng(cases)
        held = 0
        for _ in range(sessions):
            before, now = random.uniform(0.3, 1, cases), random.uniform(0.3, 1, cases)
            made = zip(random.binomial(10, now), random.binomial(10, before), strict=True)
            found = mean_interval([pair(f"{a}/10", f"{b}/10") for a, b in made])
            held += found.low <= (now - before).mean() <= found.high
        assert held / sessions >= 0.94 - 2 * (0.04 * 0.96 / sessions) ** 0.5


@pytest.mark.parametrize(
    ("margin", "change"), [(0.05, Change.INCONCLUSIVE), (0.2, Change.UNCHANGED), (0.45, Change.UNCHANGED)]
)
def test_unchanged_is_said_only_where_a_difference_of_the_margin_is_ruled_out(
    margin: float, change: Change
) -> None:
    arms_of_both = [*arms("current", *["19/20"] * 4), *arms("careful", *["19/20"] * 4)]
    (found,) = compare(arms_of_both, margin=margin)
    assert (found.change, found.margin) == (change, margin)
    assert -margin < found.interval.low or change is Change.INCONCLUSIVE


@pytest.mark.parametrize(("smallest_drop", "margin"), [(0.1, 0.1), (0.2, 0.2), (0.45, 0.2), (1.0, 0.2)])
def test_between_variants_a_projects_own_margin_counts_up_to_20_points(
    smallest_drop: float, margin: float
) -> None:
    assert margin_of(smallest_drop) == margin

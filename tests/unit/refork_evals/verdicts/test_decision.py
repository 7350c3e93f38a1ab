"""From counts to verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork_evals.results import Verdict
from refork_evals.verdicts.decision import (
    CellCounts,
    Decision,
    decide,
    decide_all,
    interval,
    p_refuted,
    p_supported,
)


def decided(rate: float = 0.8, **counts: int) -> Decision:
    """The verdict of a case that stands alone."""
    made = CellCounts(**counts)
    return decide(made, rate, p_refuted=p_refuted(made, rate))


@pytest.mark.parametrize(
    ("counts", "rate", "verdict"),
    [
        pytest.param({"passes": 14}, 0.8, Verdict.PASS, id="fourteen-of-fourteen-support-eighty-percent"),
        pytest.param({"passes": 13}, 0.8, Verdict.INCONCLUSIVE, id="thirteen-do-not"),
        pytest.param({"passes": 5}, 0.8, Verdict.INCONCLUSIVE, id="five-of-five-prove-nothing"),
        pytest.param({"passes": 9, "failures": 1}, 0.6, Verdict.PASS, id="nine-of-ten-support-sixty-percent"),
        pytest.param({"passes": 8, "failures": 2}, 0.6, Verdict.INCONCLUSIVE, id="eight-of-ten-do-not"),
        pytest.param({"passes": 5, "failures": 5}, 0.8, Verdict.FAIL, id="half-refutes-eighty-percent"),
        pytest.param({"passes": 6, "failures": 4}, 0.8, Verdict.INCONCLUSIVE, id="six-of-ten-do-not"),
        pytest.param({"failures": 1}, 0.8, Verdict.INCONCLUSIVE, id="one-failure-is-no-proof"),
        pytest.param({"failures": 2}, 0.8, Verdict.FAIL, id="two-of-two-failures-are"),
    ],
)
def test_a_verdict_needs_evidence(counts: dict[str, int], rate: float, verdict: Verdict) -> None:
    assert decided(rate, **counts).verdict is verdict


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        pytest.param(
            {"passes": 14, "failures": 0, "errors": 1}, Verdict.INCONCLUSIVE, id="an-error-could-have-failed"
        ),
        pytest.param({"passes": 25, "errors": 1}, Verdict.PASS, id="passes-enough-whatever-the-error-was"),
        pytest.param({"failures": 2, "errors": 1}, Verdict.INCONCLUSIVE, id="an-error-could-have-passed"),
        pytest.param({"failures": 5, "errors": 1}, Verdict.FAIL, id="failures-enough-whatever-the-error-was"),
        pytest.param(
            {"passes": 14, "missing": 6}, Verdict.INCONCLUSIVE, id="what-did-not-run-could-have-failed"
        ),
        pytest.param({"errors": 3}, Verdict.ERROR, id="only-errors"),
        pytest.param({"missing": 3}, Verdict.ERROR, id="nothing-ran"),
        pytest.param({}, Verdict.ERROR, id="nothing-planned"),
    ],
)
def test_what_was_not_measured_counts_against_either_verdict(
    counts: dict[str, int], verdict: Verdict
) -> None:
    assert decided(**counts).verdict is verdict


def test_the_reason_says_what_was_not_measured() -> None:
    assert decided(passes=25, errors=1).reason == (
        "1 of 26 trials ended in an error; the verdict holds whatever they would have been"
    )
    assert decided(errors=2, missing=1).reason == (
        "nothing was measured: 2 of 3 trials ended in an error and 1 of 3 trials did not run"
    )
    assert decided(passes=6, failures=4).reason == (
        "6 of 10 passed: neither above 0.8 (p = 0.97) nor below it (p = 0.12)"
    )
    assert decided(passes=14).reason == ""


def test_a_minimum_of_one_is_a_description_and_says_so() -> None:
    perfect = decided(1.0, passes=10)
    assert (perfect.verdict, perfect.p_value) == (Verdict.PASS, None)
    assert perfect.reason == (
        "every trial passed; a description, not a proof: the pass rate may be as low as 0.74 (95% confidence)"
    )
    assert decided(1.0, passes=99, failures=1).verdict is Verdict.FAIL
    assert decided(1.0, passes=99, errors=1).verdict is Verdict.INCONCLUSIVE


def test_one_failure_refutes_a_minimum_of_one_in_a_suite_of_any_size() -> None:
    family = [(CellCounts(passes=9, failures=1), 1.0), *[(CellCounts(passes=10), 1.0)] * 99]
    verdicts = [decision.verdict for decision in decide_all(family)]
    assert verdicts == [Verdict.FAIL, *[Verdict.PASS] * 99]


def test_a_failure_alone_may_be_none_in_a_suite() -> None:
    weak = (CellCounts(passes=5, failures=5), 0.8)
    alone, *_ = decide_all([weak])
    among_twenty, *others = decide_all([weak, *[(CellCounts(passes=14), 0.8)] * 19])
    assert alone.verdict is Verdict.FAIL
    assert among_twenty.verdict is Verdict.INCONCLUSIVE
    assert among_twenty.p_value == pytest.approx(min(1.0, 20 * (alone.p_value or 0)))
    assert {other.verdict for other in others} == {Verdict.PASS}


counts = st.builds(
    CellCounts,
    passes=st.integers(0, 20),
    failures=st.integers(0, 20),
    errors=st.integers(0, 5),
    missing=st.integers(0, 5),
)
ORDER = [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]


@given(counts.filter(lambda made: made.failures > 0), st.floats(0.05, 1))
def test_another_pass_in_place_of_a_failure_never_makes_a_verdict_worse(
    made: CellCounts, rate: float
) -> None:
    better = CellCounts(
        passes=made.passes + 1, failures=made.failures - 1, errors=made.errors, missing=made.missing
    )
    verdicts = [decide(each, rate, p_refuted=p_refuted(each, rate)).verdict for each in (made, better)]
    assert ORDER.index(verdicts[0]) <= ORDER.index(verdicts[1])


@given(counts.filter(lambda made: made.unknown > 0 and made.measured > 0), st.floats(0.05, 1), st.data())
def test_a_verdict_holds_whatever_the_unknown_trials_would_have_been(
    made: CellCounts, rate: float, data: st.DataObject
) -> None:
    verdict = decide(made, rate, p_refuted=p_refuted(made, rate)).verdict
    passed = data.draw(st.integers(0, made.unknown))
    known = CellCounts(passes=made.passes + passed, failures=made.failures + made.unknown - passed)
    if verdict is not Verdict.INCONCLUSIVE:
        assert decide(known, rate, p_refuted=p_refuted(known, rate)).verdict is verdict


@given(counts.filter(lambda made: made.measured > 0))
def test_the_interval_holds_the_pass_rate_and_widens_with_the_unknown(made: CellCounts) -> None:
    found, known = interval(made), interval(CellCounts(passes=made.passes, failures=made.failures))
    assert found is not None
    assert known is not None
    assert found.low - 1e-12 <= made.passes / made.measured <= found.high + 1e-12
    if made.unknown:
        assert found.high - found.low > 0
        best = interval(CellCounts(passes=made.passes + made.unknown, failures=made.failures))
        assert best is not None
        assert best.high == found.high


@given(counts, st.floats(0.05, 0.95))
def test_no_counts_support_and_refute_the_same_minimum(made: CellCounts, rate: float) -> None:
    assert p_supported(made, rate) > 0.05 or p_refuted(made, rate) > 0.05


def test_there_is_no_interval_where_nothing_was_measured() -> None:
    assert interval(CellCounts(errors=3)) is None

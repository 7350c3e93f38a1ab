"""Errors of measurement at the gate: which are forgiven, and how many are more than chance."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.records.outcome import ErrorKind, Trial, TrialError
from refork_evals.gate.errors import SHARE, is_forgivable, p_of_as_many, too_many_errors
from refork_evals.results import Cell, Score, ScoredTrial, Verdict
from scipy.stats import fisher_exact

MISSING = TrialError(
    type="AnswerMissingError", message="no answer 1 is cached", kind=ErrorKind.ANSWER_MISSING
)
CELL = Cell(case="rosy", variant="current", verdict=Verdict.ERROR, min_pass_rate=0.7)


def failed(error: TrialError) -> ScoredTrial:
    return ScoredTrial(trial=Trial(variant="current", number=1, error=error))


def cell(errors: int, measured: int, error: TrialError | None = None) -> Cell:
    broken = error or TrialError(type="APIError", message="broken", kind=ErrorKind.PROVIDER)
    passed = ScoredTrial(trial=Trial(variant="current", number=1), passed=True)
    return dataclasses.replace(
        CELL, trials=(*[failed(broken)] * errors, *[passed] * measured), errors=errors, passes=measured
    )


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.ANSWER_MISSING])
def test_no_error_is_forgiven_but_an_answer_that_is_not_kept(kind: ErrorKind) -> None:
    broken = TrialError(type="Broken", message="broken", kind=kind)
    assert is_forgivable(cell(3, 0, MISSING))
    assert not is_forgivable(cell(3, 0, broken))
    assert not is_forgivable(dataclasses.replace(CELL, trials=(failed(MISSING), failed(broken))))


def test_a_fork_that_was_never_made_is_not_forgiven() -> None:
    assert not is_forgivable(CELL)


@pytest.mark.parametrize(
    ("error", "forgiven"), [("AnswerMissingError: no vote is kept", True), ("RuntimeError: broken", False)]
)
def test_a_vote_of_a_judge_that_is_not_kept_is_forgiven_too(error: str, forgiven: bool) -> None:
    score = Score(scorer="judge", passed=None, error=error)
    scored = ScoredTrial(trial=Trial(variant="current", number=1), scores=(score,))
    assert is_forgivable(dataclasses.replace(CELL, trials=(scored,))) is forgiven


def test_eight_errors_of_ten_are_too_many_with_and_without_a_baseline() -> None:
    assert too_many_errors(cell(8, 2), 30, alpha=0.05, cases=3)
    assert too_many_errors(cell(8, 2), 0, alpha=0.05, cases=3)


def test_one_error_is_chance_and_missing_answers_are_none() -> None:
    assert too_many_errors(cell(1, 12), 30, alpha=0.05, cases=1) == ""
    assert too_many_errors(cell(10, 0, MISSING), 30, alpha=0.05, cases=1) == ""


@given(errors=st.integers(0, 20), measured=st.integers(0, 40), before=st.integers(1, 60))
def test_the_probability_is_fishers(errors: int, measured: int, before: int) -> None:
    expected = fisher_exact(np.array([[errors, measured], [0, before]]), alternative="greater").pvalue
    assert p_of_as_many(errors, errors + measured, before) == pytest.approx(expected, rel=1e-6)


@given(rate=st.sampled_from([0.0, 0.005, 0.01, 0.05]), trials=st.integers(5, 60), cases=st.integers(1, 100))
def test_a_provider_that_fails_now_as_it_did_before_turns_hardly_a_gate_red(
    rate: float, trials: int, cases: int
) -> None:
    """The baseline had as many errors, which were tried again: the exact probability of one case's false alarm."""
    from scipy.stats import binom

    red = sum(
        binom.pmf(errors, trials, rate)
        for errors in range(trials + 1)
        if too_many_errors(cell(errors, trials - errors), 30, alpha=0.05, cases=cases)
    )
    if rate <= 0.01:
        assert red <= SHARE * 0.05 / cases

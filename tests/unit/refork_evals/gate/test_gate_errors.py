"""Errors of measurement at the gate: which are forgiven, and how many are too many."""

import dataclasses

import pytest
from refork.records.outcome import ErrorKind, Trial, TrialError
from refork_evals.gate.errors import is_forgivable, too_many_errors
from refork_evals.results import Cell, Score, ScoredTrial, Verdict

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


@pytest.mark.parametrize(
    ("errors", "measured", "many"), [(8, 2, True), (6, 5, True), (5, 5, False), (1, 12, False)]
)
def test_a_case_is_not_measured_where_more_than_half_of_its_trials_are_errors(
    errors: int, measured: int, many: bool
) -> None:
    assert bool(too_many_errors(cell(errors, measured))) is many


def test_answers_that_are_not_cached_are_not_among_these_errors() -> None:
    assert too_many_errors(cell(10, 0, MISSING)) == ""

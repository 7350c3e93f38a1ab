"""Trials that could not be measured, at the gate: what a project may forgive, and what is more than chance."""

from typing import Final

from refork.records.outcome import ErrorKind
from scipy.special import comb

from refork_evals.results import Cell, ScoredTrial

SHARE: Final = 0.1
"""Of alpha, spread over the cases: how often errors that come as often as before may turn a gate red."""
MOST: Final = 0.5
"""From this share of errors on a case was not measured, whatever the baseline says."""
_MISSING: Final = "AnswerMissingError"


def is_forgivable(cell: Cell) -> bool:
    """Return whether missing cached answers are the only reason why a cell was not measured."""
    unknown = unmeasured(cell)
    return bool(unknown) and all(_is_missing(each) for each in unknown)


def too_many_errors(cell: Cell, before: int, *, alpha: float, cases: int) -> str:
    """Explain why a cell has too many errors, compared with ``before`` measured trials; empty if it does not.

    Missing cached answers do not count as errors here. The test is Fisher's exact test, one-sided, at ``SHARE * alpha
    / cases``.
    """
    errors = sum(not _is_missing(each) for each in unmeasured(cell))
    ran = len(cell.trials)
    if not errors:
        return ""
    if errors > MOST * ran:
        return f"{errors} of {ran} trials could not be measured"
    if before and p_of_as_many(errors, ran, before) <= SHARE * alpha / max(1, cases):
        return f"{errors} of {ran} trials could not be measured, none of {before} in the baseline"
    return ""


def p_of_as_many(errors: int, trials: int, before: int) -> float:
    """The probability that all ``errors`` of both samples fall into the ``trials`` of the second one."""
    return float(min(1.0, comb(trials, errors) / comb(trials + before, errors)))


def unmeasured(cell: Cell) -> list[ScoredTrial]:
    return [each for each in cell.trials if each.passed is None]


def _is_missing(scored: ScoredTrial) -> bool:
    error = scored.trial.error
    if error is not None:
        return error.kind is ErrorKind.ANSWER_MISSING
    wrong = [score.error for score in scored.scores if score.passed is None]
    return bool(wrong) and all(said is not None and said.startswith(_MISSING) for said in wrong)

"""Counts the votes of a judge: the majority of all requested votes decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from refork_evals.results import Judged, Score
from refork_evals.scorers.evidence import one_line
from refork_evals.scorers.protocol import describe


class Judgement(BaseModel):
    """The judge's reply, parsed."""

    model_config = ConfigDict(strict=True)

    reason: str
    passed: bool = Field(alias="pass")


@dataclass(frozen=True, kw_only=True)
class Vote:
    """A call of the judge that gave a judgement. ``model`` is what the reply names, empty if it names none."""

    judgement: Judgement
    model: str = ""


def counted(scorer: str, asked: str, votes: Sequence[Vote | Exception]) -> Score:
    """The score of all votes. ``passed`` is None where no vote gave a judgement, or where those that ended in an error
    could have turned the majority.
    """
    given = [vote for vote in votes if isinstance(vote, Vote)]
    errors = [vote for vote in votes if not isinstance(vote, Vote)]
    if not given:
        return Score(scorer=scorer, passed=None, error=describe(errors[0]))
    passes = sum(vote.judgement.passed for vote in given)
    fails = len(given) - passes
    passed = None if 2 * max(passes, fails) <= len(votes) else passes > fails
    answered = tuple(sorted({vote.model for vote in given if vote.model}))
    said = _split(passes, fails, errors) if len(votes) > 1 else ""
    if len(answered) > 1:
        said += f"votes of different models, {' and '.join(map(repr, answered))}: "
    return Score(
        scorer=scorer,
        passed=passed,
        reason="" if passed is None else one_line(said + _reason(given, passed)),
        value=passes / len(given) if len(votes) > 1 else None,
        error=one_line(f"{said}no majority of {len(votes)}") if passed is None else None,
        judged=Judged(
            asked=asked, answered=answered, votes_pass=passes, votes_fail=fails, votes_error=len(errors)
        ),
    )


def _split(passes: int, fails: int, errors: Sequence[Exception]) -> str:
    parts = [f"{passes} pass", f"{fails} fail"]
    if errors:
        parts.append(f"{len(errors)} {'error' if len(errors) == 1 else 'errors'} ({describe(errors[0])})")
    return f"{', '.join(parts)}: "


def _reason(votes: Sequence[Vote], passed: bool) -> str:
    """Return the first reason on the majority's side."""
    reason = next(vote.judgement.reason for vote in votes if vote.judgement.passed is passed)
    return reason.strip() or "no reason given"

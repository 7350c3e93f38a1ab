"""Trials that make no call: their answer is kept, or is missing where no call may be made."""

from refork.answer_cache import CachedAnswer
from refork.errors import AnswerMissingError
from refork.fork.attempts.problems import trial_error
from refork.fork.trials.scheduled_trial import ScheduledTrial
from refork.records import Request
from refork.records.outcome import Trial

RECORD = "record it with `pytest --agent-evals` and a key for the model, then commit answers.jsonl"


def reused(planned: ScheduledTrial, cached: CachedAnswer) -> Trial:
    """The trial that an answer was kept of."""
    return Trial(
        variant=planned.variant.name,
        number=planned.number,
        answer=cached.answer,
        usage=cached.usage,
        model=cached.model,
        seconds=cached.seconds,
        reused=True,
        answered_at=cached.answered_at,
        cached_as=cached.key,
    )


def missing(planned: ScheduledTrial, request: Request, draws: int) -> Trial:
    """``draws`` answers to the same request are kept."""
    return Trial(
        variant=planned.variant.name,
        number=planned.number,
        error=trial_error(AnswerMissingError(not_kept(planned, request, draws))),
    )


def not_kept(planned: ScheduledTrial, request: Request, draws: int) -> str:
    """Which prompt has no answer, and what to do."""
    agent = f" of agent {request.agent!r}" if request.agent else ""
    why = (
        f"only {draws} to the same request are"
        if draws
        else "its prompt, input, model, settings or tools have changed"
    )
    whose = f"variant {planned.variant.name!r}{agent}"
    return f"no answer {planned.number} is kept for what {whose} sends now: {why}; {RECORD}"

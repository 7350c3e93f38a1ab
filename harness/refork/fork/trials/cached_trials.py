"""Trials that make no call: their answer is cached, or missing and no call may be made."""

from refork.answer_cache import CachedAnswer
from refork.errors import AnswerMissingError
from refork.fork.attempts.problems import trial_error
from refork.fork.trials.scheduled_trial import ScheduledTrial
from refork.records import Request
from refork.records.outcome import Trial

RECORD = "record it with `pytest --agent-evals` and a key for the model, then commit answers.jsonl"


def reused_trial(scheduled: ScheduledTrial, cached: CachedAnswer) -> Trial:
    """Return a trial with a cached answer."""
    return Trial(
        variant=scheduled.variant.name,
        number=scheduled.number,
        answer=cached.answer,
        usage=cached.usage,
        model=cached.model,
        seconds=cached.seconds,
        reused=True,
        answered_at=cached.answered_at,
        cached_as=cached.key,
    )


def missing_trial(scheduled: ScheduledTrial, request: Request, draws: int) -> Trial:
    """Return a trial whose answer is not cached, of a request that has ``draws`` cached answers."""
    return Trial(
        variant=scheduled.variant.name,
        number=scheduled.number,
        error=trial_error(AnswerMissingError(missing_answer_message(scheduled, request, draws))),
    )


def missing_answer_message(scheduled: ScheduledTrial, request: Request, draws: int) -> str:
    """Say which request has no cached answer, why, and what to do."""
    agent = f" of agent {request.agent!r}" if request.agent else ""
    why = (
        f"the cache has only {draws} for it"
        if draws
        else "its prompt, input, model, settings or tools have changed"
    )
    whose = f"variant {scheduled.variant.name!r}{agent}"
    return f"no answer {scheduled.number} is cached for the request of {whose}: {why}; {RECORD}"

"""Estimates the calls of judges: one for each vote on each trial, and on the recorded answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, cast

from refork.records import Answer, Case
from refork.records.usage import Usage

from refork_evals.estimation.estimate import WorkRange
from refork_evals.estimation.trial_work import TrialWork, priced, rough_tokens
from refork_evals.recorded import recorded_trial
from refork_evals.scorers.builtin.base import NothingThereError
from refork_evals.scorers.builtin.judge import Judge
from refork_evals.scorers.protocol import Scorer

REPLY: Final = 60
"""Tokens of a judge's reply: a sentence and a verdict."""


@dataclass(frozen=True, kw_only=True)
class JudgeCalls:
    """Calls of judges for one trial: ``always`` of judges that see every answer, ``at_most`` of all of them.

    ``recorded`` is 1 if they also judge the recorded answer, else 0.
    """

    always: int = 0
    at_most: int = 0
    recorded: int = 0
    call: TrialWork = field(default_factory=TrialWork)

    def of(self, least: int, most: int) -> WorkRange:
        """Return what so many calls take."""
        return WorkRange(least=self.call.work.least.times(least), most=self.call.work.most.times(most))


def judge_calls(case: Case, scorers: Sequence[Scorer]) -> JudgeCalls:
    """Count the calls, each as long as one about the recorded answer; with several judges, as the longest."""
    every = [judge for scorer in scorers for judge in _judges(scorer)]
    if not every:
        return JudgeCalls()
    recorded = recorded_trial(case).answer
    calls = [_call(judge, recorded or Answer()) for judge in every]
    return JudgeCalls(
        always=sum(scorer.votes for scorer in scorers if isinstance(scorer, Judge)),
        at_most=sum(judge.votes for judge in every),
        recorded=int(recorded is not None),
        call=replace(
            max(calls, key=_weight),
            models=frozenset[str]().union(*(call.models for call in calls)),
            unpriced=frozenset[str]().union(*(call.unpriced for call in calls)),
        ),
    )


def _judges(scorer: object) -> Iterator[Judge]:
    if isinstance(scorer, Judge):
        yield scorer
    for part in cast("tuple[object, ...]", getattr(scorer, "parts", ())):
        yield from _judges(part)


def _weight(call: TrialWork) -> tuple[bool, Decimal, int]:
    """Order calls by cost. One of unknown cost comes last, since it leaves the cost of all unknown."""
    most = call.work.most
    return most.cost_usd is None, most.cost_usd or Decimal(0), most.tokens or 0


def _call(judge: Judge, answer: Answer) -> TrialWork:
    try:
        judged = judge.judged(answer)
    except NothingThereError:
        judged = ""
    sent = rough_tokens(*(message["content"] for message in judge.messages(judged)))
    usage = Usage(calls=1, input_tokens=sent, output_tokens=REPLY)
    return replace(priced(usage, judge.asked_model), is_rough=True)

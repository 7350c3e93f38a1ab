"""The value of the fixture ``trial``."""

from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from refork.records import Answer, Case, Request, Step, ToolCall
from refork.records.outcome import Trial
from refork.records.usage import Usage


@dataclass(frozen=True, kw_only=True, repr=False)
class CaseTrial:
    """One answer of the model at the fork point: the fixture ``trial`` of a test marked ``refork``.

    Of a case with ``scope: tail`` it is the workflow's result, ``tool_calls`` are all from the fork point on, and
    ``trajectory`` holds the steps from there on. ``request`` is what was sent at the fork point. ``number`` counts
    from 1 within a variant; ``seconds`` is the wall time of the model call, or of the tail.
    """

    case: Case
    variant: str
    number: int
    answer: Answer
    request: Request | None = None
    usage: Usage | None = None
    model: str | None = None
    seconds: float = 0.0
    trajectory: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        # pytest shows it with every assert that fails.
        text = self.answer.text or ", ".join(call.name for call in self.answer.tool_calls)
        return f"<trial {self.number} of {self.case.name!r} under {self.variant!r}: {shorten(text, 60)!r}>"

    @property
    def scope(self) -> str:
        """``step`` or ``tail``: what ran again."""
        return self.case.scope

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return self.answer.tool_calls

    @property
    def structured(self) -> Any:
        """The parsed answer; None if the step did not request JSON, or the answer does not parse."""
        return self.answer.structured


def case_trial(case: Case, trial: Trial, request: Request | None) -> CaseTrial:
    assert trial.answer is not None, "a test is only called for a trial that has an answer"
    return CaseTrial(
        case=case,
        variant=trial.variant,
        number=trial.number,
        answer=trial.answer,
        request=request,
        usage=trial.usage,
        model=trial.model,
        seconds=trial.seconds,
        trajectory=trial.trajectory,
    )

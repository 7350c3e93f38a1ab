"""Scorers that limit what an answer took: max_tokens, max_seconds, max_cost."""

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field
from refork.records.usage import Usage

from refork_evals.results import Score
from refork_evals.scorers.builtin.base import BuiltIn, Finding
from refork_evals.scorers.protocol import NotMeasuredError, Sample


class MaxTokens(BuiltIn):
    """The answer took at most so many tokens."""

    kind: ClassVar[str] = "max_tokens"
    short_form: ClassVar[str | None] = "limit"

    limit: int = Field(gt=0, description="Tokens.")
    count: Literal["total", "input", "output"] = Field(
        default="total", description="Which tokens are counted."
    )

    def score(self, sample: Sample) -> Score:
        if sample.usage is None:
            raise NotMeasuredError("the model's provider reported no usage")
        tokens = self._tokens(sample.usage)
        which = "" if self.count == "total" else f"{self.count} "
        reason = f"{tokens} {which}tokens, allowed {self.limit}"
        return self._score(Finding(passed=tokens <= self.limit, reason=reason, value=float(tokens)))

    def _tokens(self, usage: Usage) -> int:
        counts = {"total": usage.total_tokens, "input": usage.input_tokens, "output": usage.output_tokens}
        return counts[self.count]


class MaxSeconds(BuiltIn):
    """The model call took at most so long, without the time that it waited for a slot."""

    kind: ClassVar[str] = "max_seconds"
    short_form: ClassVar[str | None] = "limit"

    limit: float = Field(gt=0, description="Seconds.")

    def score(self, sample: Sample) -> Score:
        if sample.seconds is None:
            raise NotMeasuredError("no time was recorded")
        reason = f"{sample.seconds:.3g} s, allowed {self.limit:g} s"
        return self._score(Finding(passed=sample.seconds <= self.limit, reason=reason, value=sample.seconds))


class MaxCost(BuiltIn):
    """The answer cost at most so much, by the price table of genai-prices."""

    kind: ClassVar[str] = "max_cost"
    short_form: ClassVar[str | None] = "limit"

    limit: float = Field(gt=0, description="US dollars.")

    def score(self, sample: Sample) -> Score:
        if sample.usage is None:
            raise NotMeasuredError("the model's provider reported no usage")
        if sample.cost_usd is None:
            raise NotMeasuredError(
                f"no price is known for the model {sample.model!r}: give one in [tool.refork.prices]"
            )
        cost, limit = sample.cost_usd, Decimal(str(self.limit))
        reason = f"${cost:f}, allowed ${limit:f}"
        return self._score(Finding(passed=cost <= limit, reason=reason, value=float(cost)))

"""Scorers that combine other scorers: all, any, not."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from pydantic import ConfigDict, Field

from refork_evals.results import Score
from refork_evals.scorers.builtin.base import BuiltIn, Checks, Finding, Nested
from refork_evals.scorers.evidence import one_line
from refork_evals.scorers.protocol import Sample, Scorer, run_scorer


class _Several(BuiltIn):
    """A scorer made of several. ``settled`` is the result of one part that decides the whole."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    short_form: ClassVar[str | None] = "scorers"
    settled: ClassVar[bool]

    scorers: list[Nested] = Field(min_length=1, description="Expectations, written as in expect.")

    @property
    def parts(self) -> tuple[Scorer, ...]:
        return tuple(self.scorers)

    async def score(self, sample: Sample) -> Score:
        scores: list[Score] = []
        for part in self.scorers:
            scores.append(await run_scorer(part, sample))
            if scores[-1].passed is self.settled:
                return _raised(self.name, scores[-1]) or self._score(
                    Finding(passed=self.settled, reason=_say(scores[-1:]))
                )
        # What could not be decided comes before what could not be read: it might have settled the whole.
        for score in sorted(scores, key=lambda score: score.passed is not None):
            if raised := _raised(self.name, score):
                return raised
        return self._score(Finding(passed=not self.settled, reason=_say(scores)))

    def check(self, value: Any) -> Finding:
        scores: list[Score] = []
        for part in self.scorers:
            finding = cast("Checks", part).check(value)
            scores.append(Score(scorer=part.name, passed=finding.passed, reason=finding.reason))
            if finding.passed is self.settled:
                return Finding(passed=self.settled, reason=_say(scores[-1:]))
        return Finding(passed=not self.settled, reason=_say(scores))


def _raised(name: str, part: Score) -> Score | None:
    """Return the score of the whole if a part raised and thereby settles it; None if it did not raise."""
    if part.error is None:
        return None
    return Score(scorer=name, passed=part.passed, error=f"{part.scorer}: {part.error}")


def _say(scores: Sequence[Score]) -> str:
    return one_line("; ".join(f"{score.scorer}: {score.reason}" for score in scores))


class AllOf(_Several):
    """Every part passes."""

    kind: ClassVar[str] = "all"
    settled: ClassVar[bool] = False


class AnyOf(_Several):
    """At least one part passes. Later parts are then not evaluated."""

    kind: ClassVar[str] = "any"
    settled: ClassVar[bool] = True


class Not(BuiltIn):
    """The part does not pass. An error stays an error, and an answer that cannot be read does not pass."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: ClassVar[str] = "not"
    short_form: ClassVar[str | None] = "scorer"
    always_short: ClassVar[bool] = True

    scorer: Nested = Field(description="One expectation, written as in expect.")

    @property
    def parts(self) -> tuple[Scorer, ...]:
        return (self.scorer,)

    async def score(self, sample: Sample) -> Score:
        score = await run_scorer(self.scorer, sample)
        return _raised(self.name, score) or self._score(
            Finding(passed=not score.passed, reason=_say([score]))
        )

    def check(self, value: Any) -> Finding:
        finding = cast("Checks", self.scorer).check(value)
        return Finding(passed=not finding.passed, reason=f"{self.scorer.name}: {finding.reason}")

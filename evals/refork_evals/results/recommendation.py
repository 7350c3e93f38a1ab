"""The prompt to take for an agent, and what each candidate fixes and breaks."""

from dataclasses import dataclass
from enum import StrEnum

from refork_evals.results.comparisons import Change


class NoRecommendation(StrEnum):
    """The reason why no candidate is recommended."""

    NO_CANDIDATE = "no candidate was run"
    NONE_FIXES = "none is shown to fix a failure"
    HARMS = "each that fixes a failure breaks a guard or is worse over all cases"
    DIFFERENT = "different candidates fix different failures"


class FixTest(StrEnum):
    """The test that shows a candidate to be better than ``current`` in single cases."""

    EXACT = "exact"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, kw_only=True)
class CandidateEffect:
    """The effect of a candidate on the cases of its agent, whose names are listed.

    ``failures`` counts the cases that ``current`` fails, or dropped in. ``fixes`` are those of them that the
    candidate passes and is shown to be better in, by ``test``; ``settles`` are such cases that ``current`` neither
    passes nor fails. ``unshown`` are failures that it passes without being shown to be better. ``guards`` counts
    the guards: it passes those ``intact``, fails those ``broken`` or is shown to be worse in them, and fails those
    ``failing_too``, as ``current`` does. In cases ``worse`` it is shown to be worse; ``fails`` are other cases that
    it fails and ``current`` passes, where that is not shown.
    ``change`` is its comparison with ``current`` over all cases, None where other agents' cases are part of it.
    """

    variant: str
    failures: int
    fixes: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    unshown: tuple[str, ...] = ()
    guards: int = 0
    intact: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    failing_too: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    test: FixTest | None = None
    change: Change | None = None

    @property
    def improves(self) -> bool:
        return bool(self.fixes or self.settles)

    @property
    def harms(self) -> bool:
        return bool(self.broken) or self.change is Change.REGRESSED


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The prompt to take for an agent; ``variant`` is None if there is none, because of ``reason``.

    ``failures`` are the cases of the agent that ``current`` fails.
    """

    agent: str | None
    failures: tuple[str, ...]
    candidates: tuple[CandidateEffect, ...]
    variant: str | None = None
    reason: NoRecommendation | None = None

    @property
    def recommended(self) -> CandidateEffect | None:
        return next((each for each in self.candidates if each.variant == self.variant), None)

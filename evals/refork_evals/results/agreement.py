"""Values that describe a judge's agreement with a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from refork_evals.results.comparisons import Interval

ENOUGH: Final = 20
"""The number of labelled outputs below which an interval of kappa is wrong too often, and a rate too wide, to rely
on.
"""


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """Cohen's kappa: 1 is full agreement, 0 is agreement by chance.

    ``value`` is None if kappa is not defined. ``low`` and ``high`` are the ends of the 95% interval, None if there is
    none; ``note`` says why.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Counts of labelled outputs. Intervals are Wilson's 95% intervals, None if the rate has no outputs."""

    both_pass: int
    both_fail: int
    false_passes: int
    false_fails: int
    kappa: Kappa
    false_pass_interval: Interval | None
    false_fail_interval: Interval | None

    @property
    def outputs(self) -> int:
        return self.both_pass + self.both_fail + self.false_passes + self.false_fails

    @property
    def agreed(self) -> int:
        return self.both_pass + self.both_fail

    @property
    def person_fails(self) -> int:
        return self.false_passes + self.both_fail

    @property
    def person_passes(self) -> int:
        return self.false_fails + self.both_pass

    @property
    def false_pass_rate(self) -> float | None:
        """The share of the outputs failed by the person that the judge passes."""
        return self.false_passes / self.person_fails if self.person_fails else None

    @property
    def false_fail_rate(self) -> float | None:
        """The share of the outputs passed by the person that the judge fails."""
        return self.false_fails / self.person_passes if self.person_passes else None

    @property
    def too_few(self) -> bool:
        return self.outputs < ENOUGH


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The agreement of one rubric's judge with a person, in one session: ``text``, the expectation at ``place``.

    ``labels`` counts all labels of the rubric. ``agreement`` covers the distinct outputs that are both judged and
    labelled: an output of several trials counts once, with the judge's first decision on it. ``contradicted`` counts
    outputs that the judge both passed and failed. ``asked`` and ``answered`` count the scores by requested model and
    by answering model, if known, sorted by name. ``problem`` says what is wrong with labels.jsonl; it is empty if
    nothing is.
    """

    place: int
    text: str
    labels: int
    agreement: Agreement
    contradicted: int = 0
    asked: Mapping[str, int] = field(default_factory=dict[str, int])
    answered: Mapping[str, int] = field(default_factory=dict[str, int])
    problem: str = ""

"""The difference of every two variants, over all cases and in each, for the comparison that a reader chooses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from refork.records.variant import CURRENT
from refork_evals.results import SuiteResult
from refork_evals.statistics.strata import Pair, mean_difference, mean_interval
from refork_evals.verdicts.comparison import MARGIN, Arm, arms_of, pairs_of

from refork_reports.views.trials.placed_cells import PlacedCase


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The pass rate under ``right`` less that under ``left``, with its 95% interval.

    ``case_anchor`` is empty for the mean over all cases that both were measured on. ``passed_left`` and
    ``passed_right`` are passes and the trials that are compared, summed over them.
    """

    left: str
    right: str
    case_anchor: str
    cases: int
    difference: float
    low: float
    high: float
    passed_left: tuple[int, int]
    passed_right: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Differences:
    """All differences. ``variants`` are in the order in which ``left`` comes before ``right``."""

    variants: tuple[str, ...]
    margin: float
    found: tuple[Difference, ...]


def differences(evaluation: SuiteResult, cases: Sequence[PlacedCase]) -> Differences:
    """Compare every two variants, over all cases and in each, as far as both were measured."""
    arms = arms_of(evaluation.cells)
    names = sorted(dict.fromkeys(arm.variant for arm in arms), key=lambda name: name != CURRENT)
    of_each = {
        placed.anchor: [arm for arm in arms if arm.case == placed.result.case.name] for placed in cases
    }
    found = [*_compared(arms, names, "")]
    for anchor, own in of_each.items():
        found += _compared(own, names, anchor)
    margin = next((each.margin for each in evaluation.comparisons), MARGIN)
    return Differences(variants=tuple(names), margin=margin, found=tuple(found))


def _compared(arms: Sequence[Arm], names: Sequence[str], anchor: str) -> Iterator[Difference]:
    for place, left in enumerate(names[:-1]):
        pairs = pairs_of(arms, left)
        for right in names[place + 1 :]:
            if right in pairs:
                yield _difference(left, right, anchor, pairs[right])


def _difference(left: str, right: str, anchor: str, pairs: Sequence[Pair]) -> Difference:
    around = mean_interval(pairs)
    return Difference(
        left=left,
        right=right,
        case_anchor=anchor,
        cases=len(pairs),
        difference=mean_difference(pairs),
        low=around.low,
        high=around.high,
        passed_left=(sum(pair.passes_before for pair in pairs), sum(pair.trials_before for pair in pairs)),
        passed_right=(sum(pair.passes for pair in pairs), sum(pair.trials for pair in pairs)),
    )

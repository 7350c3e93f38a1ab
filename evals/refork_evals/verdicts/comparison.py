"""Variants beside one another, over all cases that both were measured on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from refork.records.usage import Usage
from refork.records.variant import CURRENT

from refork_evals.results import Cell, Change, DifferenceInterval, VariantComparison, Verdict
from refork_evals.results.comparisons import Flip, Means
from refork_evals.statistics import holm
from refork_evals.statistics.strata import (
    Pair,
    clustered,
    detectable,
    difference,
    interval,
    p_of_no_difference,
)
from refork_evals.verdicts.decision import ALPHA

MARGIN: Final = 0.2
"""The widest difference of two variants that "unchanged" may leave open, as a share: 20 points."""


def margin_of(smallest_drop: float) -> float:
    """Return the difference that "unchanged" rules out between two variants: the project's, and at most 20 points."""
    return min(smallest_drop, MARGIN)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A case under a variant, as far as comparing goes. Means are of one trial; None where nobody knows."""

    case: str
    variant: str
    verdict: Verdict
    passes: int
    trials: int
    tokens: float | None = None
    cost_usd: Decimal | None = None
    seconds: float | None = None


class ComparedCell(Protocol):
    """A cell as far as comparing goes: one that was measured just now, or one of a ``results.json``."""

    @property
    def variant(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def passes(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def seconds(self) -> float: ...


def arms_of(cells: Iterable[Cell]) -> tuple[Arm, ...]:
    """What there is to compare in cells."""
    return tuple(arm_of(cell.case, cell) for cell in cells if cell.measured)


def arm_of(case: str, cell: ComparedCell) -> Arm:
    """A cell that was measured, as one side of a comparison."""
    trials = cell.passes + cell.failures
    return Arm(
        case=case,
        variant=cell.variant,
        verdict=cell.verdict,
        passes=cell.passes,
        trials=trials,
        tokens=cell.usage.total_tokens / trials if cell.usage.calls else None,
        cost_usd=None if cell.cost_usd is None else cell.cost_usd / trials,
        seconds=cell.seconds / trials,
    )


def compare(
    arms: Sequence[Arm], *, against: str = CURRENT, alpha: float = ALPHA, margin: float = MARGIN
) -> tuple[VariantComparison, ...]:
    """Every other variant beside ``against``, in the order in which they come."""
    base = {arm.case: arm for arm in arms if arm.variant == against and arm.trials}
    names = list(dict.fromkeys(arm.variant for arm in arms if arm.variant != against))
    matched = {
        name: [
            (arm, base[arm.case]) for arm in arms if arm.variant == name and arm.trials and arm.case in base
        ]
        for name in names
    }
    matched = {name: pairs for name, pairs in matched.items() if pairs}
    adjusted = holm([p_of_no_difference(_pairs(found)) for found in matched.values()])
    return tuple(
        _compared(name, found, p_value, against=against, alpha=alpha, margin=margin)
        for (name, found), p_value in zip(matched.items(), adjusted, strict=True)
    )


def _compared(
    name: str, found: Sequence[tuple[Arm, Arm]], p_value: float, *, against: str, alpha: float, margin: float
) -> VariantComparison:
    pairs = _pairs(found)
    middle, around = difference(pairs), interval(pairs)
    better, worse = _single_cases(found, alpha)
    return VariantComparison(
        variant=name,
        against=against,
        cases=len(pairs),
        change=_change(middle, around, p_value, better, worse, alpha=alpha, margin=margin),
        difference=middle,
        interval=around,
        p_value=p_value,
        could_find=detectable(pairs, alpha),
        better=better,
        worse=worse,
        flips=tuple(
            Flip(case=now.case, before=then.verdict, now=now.verdict)
            for now, then in found
            if now.verdict != then.verdict
        ),
        margin=margin,
        like_these=clustered(pairs),
        tokens=_means([(now.tokens, then.tokens) for now, then in found]),
        cost_usd=_means([(now.cost_usd, then.cost_usd) for now, then in found]),
        seconds=_means([(now.seconds, then.seconds) for now, then in found]),
    )


def _change(
    middle: float,
    around: DifferenceInterval,
    p_value: float,
    better: tuple[str, ...],
    worse: tuple[str, ...],
    *,
    alpha: float,
    margin: float,
) -> Change:
    significant = p_value <= alpha
    if (better and worse) or (significant and ((middle > 0 and worse) or (middle < 0 and better))):
        return Change.TRADE_OFF
    if significant:
        return Change.IMPROVED if middle > 0 else Change.REGRESSED
    ruled_out = -margin < around.low and around.high < margin
    return Change.UNCHANGED if ruled_out else Change.INCONCLUSIVE


def _single_cases(found: Sequence[tuple[Arm, Arm]], alpha: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases that differ on their own, corrected over all of them: those that got better, and worse."""
    adjusted = holm([p_of_no_difference([pair]) for pair in _pairs(found)])
    differing = [now for (now, _), p_value in zip(found, adjusted, strict=True) if p_value <= alpha]
    rates = {now.case: now.passes / now.trials - then.passes / then.trials for now, then in found}
    better = tuple(arm.case for arm in differing if rates[arm.case] > 0)
    return better, tuple(arm.case for arm in differing if rates[arm.case] < 0)


def _pairs(found: Sequence[tuple[Arm, Arm]]) -> list[Pair]:
    return [
        Pair(passes=now.passes, trials=now.trials, passes_before=then.passes, trials_before=then.trials)
        for now, then in found
    ]


def _means(known: Sequence[tuple[float | Decimal | None, float | Decimal | None]]) -> Means | None:
    """None as soon as one of them is not known: a mean over other cases would compare nothing."""
    both = [(float(now), float(then)) for now, then in known if now is not None and then is not None]
    if not both or len(both) < len(known):
        return None
    return Means(
        variant=sum(now for now, _ in both) / len(both), against=sum(then for _, then in both) / len(both)
    )

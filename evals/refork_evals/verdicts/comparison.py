"""Compares variants with one another, over all cases that both were measured on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol

from refork.records.usage import Usage
from refork.records.variant import CURRENT

from refork_evals.results import Cell, Change, DifferenceInterval, Method, VariantComparison, Verdict
from refork_evals.results.comparisons import Flip, Means
from refork_evals.statistics import holm
from refork_evals.statistics.rounds import START
from refork_evals.statistics.strata import (
    Pair,
    clustered,
    detectable,
    mean_difference,
    mean_interval,
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
    """The figures of a case under a variant that are compared. Means are of one trial, None if unknown.

    ``beside_baseline`` says that its verdict is about a baseline, and so is not to be compared with one about a rate.
    ``outcomes`` are its trials in their order, None for one that could not be measured. ``rounds`` is how many of them
    may be compared with those of others, None where their number was fixed; ``beside`` whether a candidate is better
    than ``current`` in this case, where a common rule ended the trials of both.
    """

    case: str
    variant: str
    verdict: Verdict
    outcomes: tuple[bool | None, ...]
    rounds: int | None = None
    beside: Change | None = None
    beside_baseline: bool = False
    guard: bool = False
    tokens: float | None = None
    cost_usd: Decimal | None = None
    seconds: float | None = None

    def measured(self, rounds: int) -> tuple[int, int]:
        """Return passes and measured trials of so many rounds."""
        known = [each for each in self.outcomes[:rounds] if each is not None]
        return sum(known), len(known)

    def alone(self) -> "Arm":
        """Return the arm for a comparison with variants other than ``current``, which did not influence how many
        trials it ran.
        """
        rounds = None if self.rounds is None else min(self.rounds, START)
        return replace(self, rounds=rounds, beside=None)


class ComparedTrial(Protocol):
    """The part of a trial that comparing needs."""

    @property
    def passed(self) -> bool | None: ...


class ComparedCell(Protocol):
    """The part of a cell that comparing needs: of one that was just measured, or of one in a ``results.json``."""

    @property
    def variant(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def passes(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def trials(self) -> Sequence[ComparedTrial]: ...
    @property
    def method(self) -> Method: ...
    @property
    def rounds(self) -> int | None: ...
    @property
    def beside(self) -> Change | None: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def seconds(self) -> float: ...


def arms_of(cells: Iterable[Cell], guards: Collection[str] = ()) -> tuple[Arm, ...]:
    """Return the measurements in cells that can be compared. ``guards`` are the names of cases that are guards."""
    return tuple(arm_of(cell.case, cell, guard=cell.case in guards) for cell in cells if cell.measured)


def arm_of(case: str, cell: ComparedCell, *, guard: bool = False) -> Arm:
    """Return a measured cell as one side of a comparison."""
    trials = cell.passes + cell.failures
    return Arm(
        case=case,
        variant=cell.variant,
        verdict=cell.verdict,
        outcomes=tuple(each.passed for each in cell.trials),
        rounds=rounds_of(cell.method, len(cell.trials), cell.rounds),
        beside=cell.beside,
        beside_baseline=_is_beside_baseline(cell),
        guard=guard,
        tokens=cell.usage.total_tokens / trials if cell.usage.calls else None,
        cost_usd=None if cell.cost_usd is None else cell.cost_usd / trials,
        seconds=cell.seconds / trials,
    )


def _is_beside_baseline(cell: ComparedCell) -> bool:
    if cell.verdict.is_decided:
        return cell.verdict.is_beside_baseline
    return cell.method is Method.BASELINE


def rounds_of(method: Method, trials: int, rounds: int | None) -> int | None:
    """Return how many trials of a cell may be compared: those until a common rule stopped it, otherwise the first
    round.

    Where a cell stopped by itself, on what it saw, later trials would be biased.
    """
    if rounds is not None or method is Method.FIXED:
        return rounds
    return min(trials, START)


def compare(
    arms: Sequence[Arm], *, against: str = CURRENT, alpha: float = ALPHA, margin: float = MARGIN
) -> tuple[VariantComparison, ...]:
    """Compare every other variant with ``against``, in the order in which they come.

    All that can be called different where nothing is errs at most with ``alpha`` together: one half of it goes to
    the variants over all cases, one half to single cases of any variant.
    """
    if against != CURRENT:
        arms = [arm.alone() for arm in arms]
    found = _all_matched(arms, against)
    questions = _questions(found)
    overall = holm([p_of_no_difference([each.pair for each in matched]) for matched in found.values()])
    single = _single_cases(found, alpha / questions)
    return tuple(
        _compared(
            name, matched, min(1.0, questions * p_value), single, against=against, alpha=alpha, margin=margin
        )
        for (name, matched), p_value in zip(found.items(), overall, strict=True)
    )


def pairs_of(arms: Sequence[Arm], against: str) -> Mapping[str, Sequence[Pair]]:
    """Return the cases that each other variant shares with ``against``, with the trials that may be compared."""
    if against != CURRENT:
        arms = [arm.alone() for arm in arms]
    return {name: [each.pair for each in found] for name, found in _all_matched(arms, against).items()}


def beside_current(cells: Iterable[Cell], alpha: float = ALPHA) -> Mapping[tuple[str, str], Change]:
    """Return whether each candidate is better than ``current`` in a case, or worse, by case and variant.

    For cells whose number of trials was fixed: Fisher's exact test, corrected over all of them. The others were
    decided while they were measured.
    """
    found = _all_matched(arms_of(cells), CURRENT)
    single = _single_cases(found, alpha / _questions(found))
    fixed = [each.now for matched in found.values() for each in matched if not each.stopped]
    return {
        (arm.case, arm.variant): single.get((arm.variant, arm.case), Change.INCONCLUSIVE) for arm in fixed
    }


def _all_matched(arms: Sequence[Arm], against: str) -> dict[str, list["_Matched"]]:
    """Return the cases of every other variant that ``against`` was also measured on, without variants that have
    none.
    """
    base = {arm.case: arm for arm in arms if arm.variant == against}
    names = dict.fromkeys(arm.variant for arm in arms if arm.variant != against)
    found = {name: _matched([arm for arm in arms if arm.variant == name], base) for name in names}
    return {name: matched for name, matched in found.items() if matched}


def _questions(found: Mapping[str, Sequence["_Matched"]]) -> int:
    """Return the number of tests among which alpha is divided: all cases together and single cases, which are one
    if there is one.
    """
    return 2 if any(len(matched) > 1 for matched in found.values()) else 1


@dataclass(frozen=True, kw_only=True)
class _Matched:
    """A case under a variant and under the compared variant, over the compared rounds."""

    now: Arm
    then: Arm
    pair: Pair

    @property
    def p_value(self) -> float:
        """The p-value of a difference in this case alone, whatever the unmeasured trials of both would have
        been.
        """
        now, then, rounds = self.now.outcomes, self.then.outcomes, _rounds(self.now, self.then)
        is_better = self.pair.difference > 0
        passes, before = (
            _passes(now[:rounds], unknown=not is_better),
            _passes(then[:rounds], unknown=is_better),
        )
        pair = Pair(
            passes=passes,
            trials=len(now[:rounds]),
            passes_before=before,
            trials_before=len(then[:rounds]),
        )
        return p_of_no_difference([pair]) if (pair.difference > 0) is is_better else 1.0

    @property
    def has_flipped(self) -> bool:
        """True if the verdict is another one of the same kind: about a rate, or about a baseline."""
        is_one_kind = self.now.beside_baseline is self.then.beside_baseline
        return is_one_kind and self.now.verdict != self.then.verdict

    @property
    def stopped(self) -> bool:
        """True if the results of the trials influenced their number."""
        return self.now.rounds is not None or self.then.rounds is not None


def _passes(outcomes: Sequence[bool | None], *, unknown: bool) -> int:
    """Return how many passed, with ``unknown`` for those that could not be measured."""
    return sum(unknown if each is None else each for each in outcomes)


def _matched(arms: Sequence[Arm], base: Mapping[str, Arm]) -> list[_Matched]:
    """The cases that both were measured on. Where trials stopped on what they showed, all cases are compared over the
    same number of rounds: that of the case with the fewest, so that no case's own answers chose it. Cases that a budget
    ended before the first look are left out, where others came that far."""
    both = [_as_fixed(arm, base[arm.case]) for arm in arms if arm.case in base]
    rounds = [(now, then, _rounds(now, then)) for now, then in both]
    stopped = [each for now, then, each in rounds if now.rounds is not None or then.rounds is not None]
    shared = min([each for each in stopped if each >= START] or stopped, default=0)
    found: list[_Matched] = []
    for now, then, own in rounds:
        compared = own if now.rounds is None and then.rounds is None else shared
        if own < compared:
            continue
        (passes, trials), (before, total) = now.measured(compared), then.measured(compared)
        if trials and total:
            pair = Pair(passes=passes, trials=trials, passes_before=before, trials_before=total)
            found.append(_Matched(now=now, then=then, pair=pair))
    return found


def _as_fixed(now: Arm, then: Arm) -> tuple[Arm, Arm]:
    """Return both arms. If the number of trials of one was fixed, that of both was: ``trials`` is a setting of
    their case.

    At the gate the plan of ``current`` does not say so by itself.
    """
    if now.rounds is None or then.rounds is None:
        return replace(now, rounds=None), replace(then, rounds=None)
    return now, then


def _rounds(now: Arm, then: Arm) -> int:
    """Return the rounds that a candidate and ``current`` ran side by side, otherwise the trials that both have."""
    if now.beside is not None and now.rounds is not None:
        return now.rounds
    of_each = [len(arm.outcomes) if arm.rounds is None else arm.rounds for arm in (now, then)]
    return max(of_each) if now.rounds is None and then.rounds is None else min(of_each)


def _compared(
    name: str,
    found: Sequence[_Matched],
    p_value: float,
    single: Mapping[tuple[str, str], Change],
    *,
    against: str,
    alpha: float,
    margin: float,
) -> VariantComparison:
    pairs = [each.pair for each in found]
    middle, around = mean_difference(pairs), mean_interval(pairs)
    changes = {each.now.case: single.get((name, each.now.case)) for each in found}
    better = tuple(case for case, change in changes.items() if change is Change.IMPROVED)
    guards = [each.now.case for each in found if each.now.guard]
    lost = [case for case, change in changes.items() if change is Change.REGRESSED]
    worse = tuple(sorted(lost, key=lambda case: case not in guards))
    broken = tuple(case for case in worse if case in guards)
    is_alone = len(found) == 1 and found[0].stopped
    significant = bool(better or worse) if is_alone else p_value <= alpha
    return VariantComparison(
        variant=name,
        against=against,
        cases=len(pairs),
        change=_breaking_guards(middle, better)
        if broken
        else _change(middle, around, better, worse, significant=significant, margin=margin),
        difference=middle,
        interval=around,
        p_value=p_value,
        could_find=detectable(pairs, alpha),
        better=better,
        worse=worse,
        worse_guards=broken,
        flips=tuple(
            Flip(case=each.now.case, before=each.then.verdict, now=each.now.verdict)
            for each in found
            if each.has_flipped
        ),
        margin=margin,
        like_these=clustered(pairs),
        tokens=_means([(each.now.tokens, each.then.tokens) for each in found]),
        cost_usd=_means([(each.now.cost_usd, each.then.cost_usd) for each in found]),
        seconds=_means([(each.now.seconds, each.then.seconds) for each in found]),
    )


def _breaking_guards(middle: float, better: tuple[str, ...]) -> Change:
    """Return the guards that are worse. A mean never makes up for one: at best it is traded for something else."""
    return Change.TRADE_OFF if better or middle > 0 else Change.REGRESSED


def _change(
    middle: float,
    around: DifferenceInterval,
    better: tuple[str, ...],
    worse: tuple[str, ...],
    *,
    significant: bool,
    margin: float,
) -> Change:
    if (better and worse) or (significant and ((middle > 0 and worse) or (middle < 0 and better))):
        return Change.TRADE_OFF
    if significant:
        return Change.IMPROVED if middle > 0 else Change.REGRESSED
    ruled_out = -margin < around.low and around.high < margin
    return Change.UNCHANGED if ruled_out else Change.INCONCLUSIVE


def _single_cases(found: Mapping[str, Sequence[_Matched]], alpha: float) -> Mapping[tuple[str, str], Change]:
    """Return the cases that differ on their own, by variant and case, corrected over the cases of all variants.

    Where a common rule ended the trials, it has decided. A case that stopped in another way is not judged alone.
    """
    each_case = [each for matched in found.values() for each in matched]
    changes = {
        (each.now.variant, each.now.case): each.now.beside
        for each in each_case
        if each.stopped and each.now.beside is not None
    }
    fixed = [each for each in each_case if not each.stopped]
    others = [1.0] * (len(each_case) - len(fixed))
    adjusted = holm([each.p_value for each in fixed] + others)
    for each, p_value in zip(fixed, adjusted, strict=False):
        if p_value <= alpha:
            change = Change.IMPROVED if each.pair.difference > 0 else Change.REGRESSED
            changes[each.now.variant, each.now.case] = change
    return changes


def _means(known: Sequence[tuple[float | Decimal | None, float | Decimal | None]]) -> Means | None:
    """Return the means; None if one of them is unknown, because a mean over other cases would compare nothing."""
    both = [(float(now), float(then)) for now, then in known if now is not None and then is not None]
    if not both or len(both) < len(known):
        return None
    return Means(
        variant=sum(now for now, _ in both) / len(both), against=sum(then for _, then in both) / len(both)
    )

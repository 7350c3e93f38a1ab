"""Describes a row of the scoreboard: the verdict, the failures that it fixes and the guards that it breaks."""

from collections.abc import Sequence
from typing import Final

from refork.text import numbers as humanize
from refork_evals.results import Verdict
from refork_evals.results.scoreboard import ScoreboardRow, Standing, TrialCounts

_KIND: Final = {
    Standing.TAKE: Verdict.PASS,
    Standing.FIXES: Verdict.INCONCLUSIVE,
    Standing.UNSHOWN: Verdict.INCONCLUSIVE,
    Standing.NOTHING_TO_FIX: Verdict.INCONCLUSIVE,
    Standing.FIXES_NONE: Verdict.FAIL,
    Standing.HARMS: Verdict.FAIL,
}


def kind(row: ScoreboardRow) -> Verdict:
    """Return the verdict whose icon and colour fit the row."""
    if row.verdict is not None:
        return row.verdict
    return Verdict.INCONCLUSIVE if row.standing is None else _KIND[row.standing]


def verdict(row: ScoreboardRow) -> str:
    """Say what the row comes to: ``fails 3 of 5 cases``, ``take it``, ``breaks 1 guard``."""
    if row.standing is None:
        counted = f"fails {row.bad:,}" if row.bad else f"passes {row.good:,}"
        return f"{counted} of {humanize.plural(row.cases, 'case')}"
    if row.standing is Standing.HARMS and row.effect is not None:
        broken = len(row.effect.broken)
        return f"breaks {humanize.plural(broken, 'guard')}" if broken else "worse over all cases"
    return row.standing.value


def fixed(row: ScoreboardRow) -> str:
    """Count the failures that a candidate fixes: ``2 of 3``; a dash for ``current``, or if nothing fails."""
    effect = row.effect
    if effect is None:
        return humanize.UNKNOWN
    more = f"{len(effect.settles)} undecided" if effect.settles else ""
    counted = f"{len(effect.fixes)} of {effect.failures}" if effect.failures else ""
    return " and ".join(filter(None, (counted, more))) or humanize.UNKNOWN


def broken(row: ScoreboardRow) -> str:
    """Count the guards that a candidate breaks: ``0 of 2``, with those that are undecided; a dash for ``current``."""
    effect = row.effect
    if effect is None:
        return humanize.UNKNOWN
    if not effect.guards:
        return "no guard"
    undecided = effect.guards - len(effect.intact) - len(effect.failing_too) - len(effect.broken)
    parts = [f"{len(effect.broken)} of {effect.guards}"]
    parts += [f"{undecided} undecided"] * bool(undecided)
    parts += [f"{len(effect.failing_too)} failing as before"] * bool(effect.failing_too)
    return ", ".join(parts)


def passing(trials: Sequence[TrialCounts]) -> str:
    """Count trials: ``49 of 50 trials pass``; empty if none was scheduled."""
    total = sum(trials, TrialCounts())
    verb = "passes" if total.scheduled == 1 else "pass"
    return (
        f"{total.passes:,} of {humanize.plural(total.scheduled, 'trial')} {verb}" if total.scheduled else ""
    )


def beside(now: TrialCounts, before: TrialCounts) -> str:
    """Compare trials with those of ``current``: ``41 of 45 trials pass, was 12 of 45``; empty without both."""
    if not now.scheduled or not before.scheduled:
        return ""
    return f"{passing([now])}, was {before.passes:,} of {before.scheduled:,}"

"""Describes the gate, for every place that shows it."""

import math
from collections.abc import Iterator
from typing import Final

from refork.text import numbers as humanize
from refork_evals.results import Gate, GateCase, GateFinding, SuiteDrop

from refork_reports.sentences.statistics.margins import no_drop

LOUD: Final = frozenset(
    {
        GateFinding.REGRESSED,
        GateFinding.FAILED,
        GateFinding.STALE,
        GateFinding.ERROR,
        GateFinding.UNDECIDABLE,
        GateFinding.CHANGED,
        GateFinding.REMOVED,
        GateFinding.NEW,
        GateFinding.UNCONFIRMED,
        GateFinding.INCONCLUSIVE,
    }
)
"""Findings that are listed one by one; the others are only counted."""


def verdict_line(gate: Gate) -> str:
    """Describe the result of the gate in one line, with its reason."""
    how = "passes" if gate.passes else "FAILS"
    return f"gate {how}: {humanize.plural(len(gate.cases), 'case')} beside {gate.baseline}: {counted(gate)}"


def counted(gate: Gate) -> str:
    """Count the findings: 2 regressed and 3 held (no drop of more than 45 points in any of them)."""
    found = [case.finding for case in gate.cases]
    counts = [
        f"{found.count(finding)} {finding.value}{_ruled_out(gate) if finding is GateFinding.HELD else ''}"
        for finding in GateFinding
        if finding in found
    ]
    return humanize.listed(counts) or "none"


def _ruled_out(gate: Gate) -> str:
    """Return the drop that is ruled out in every case that held."""
    held = [case for case in gate.cases if case.finding is GateFinding.HELD]
    margins = [case.margin for case in held if case.margin is not None]
    if not margins:
        return ""
    return f" ({no_drop(max(margins))}{' in any of them' if len(held) > 1 else ''})"


def notable_findings(gate: Gate) -> Iterator[GateCase]:
    """Return the findings that need a line of their own: what blocks, then drops that were not confirmed."""
    loud = [case for case in gate.cases if case.finding in LOUD or case.blocks]
    return iter(sorted(loud, key=lambda case: (not case.blocks, case.finding is not GateFinding.UNCONFIRMED)))


def notes(gate: Gate) -> list[str]:
    """Return further notes for a reviewer, the mean drop that is ruled out first."""
    return [note for note in (_mean(gate.suite), *gate.notes, gate.could_find) if note]


def _mean(suite: SuiteDrop | None) -> str:
    if suite is None or suite.dropped or suite.at_most is None:
        return ""
    points = math.ceil(round(100 * suite.at_most, 6))
    size = f" of more than {points} points" if points else ""
    return f"no mean drop{size} over {humanize.plural(suite.cases, 'case')}"


def suite_line(gate: Gate) -> str:
    """Describe the test of all cases together; empty if it found nothing."""
    suite = gate.suite
    if suite is None or not suite.dropped:
        return ""
    return (
        f"the suite dropped: over {humanize.plural(suite.cases, 'case')} together the pass rates fell "
        f"(p = {suite.p_value:.2g}, at most {suite.level:g} allowed), though no single case need show it"
    )

"""The gate in words, for every place that shows it."""

from collections.abc import Iterator
from typing import Final

from refork.text import numbers as humanize
from refork_evals.results import Gate, GateCase, GateFinding

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
        GateFinding.INCONCLUSIVE,
    }
)
"""Findings that are listed one by one; the others are only counted."""


def verdict_line(gate: Gate) -> str:
    """Describe the result of the gate in one line, with its reason."""
    how = "passes" if gate.passes else "FAILS"
    return f"gate {how}: {humanize.plural(len(gate.cases), 'case')} beside {gate.baseline}: {counted(gate)}"


def counted(gate: Gate) -> str:
    """2 regressed and 3 held."""
    found = [case.finding for case in gate.cases]
    counts = [f"{found.count(finding)} {finding.value}" for finding in GateFinding if finding in found]
    return humanize.listed(counts) or "none"


def notable_findings(gate: Gate) -> Iterator[GateCase]:
    """Return the findings that need a line of their own, blocking ones first."""
    loud = [case for case in gate.cases if case.finding in LOUD or case.blocks]
    return iter(sorted(loud, key=lambda case: not case.blocks))


def suite_line(gate: Gate) -> str:
    """Describe the test of all cases together; empty if it found nothing."""
    suite = gate.suite
    if suite is None or not suite.dropped:
        return ""
    return (
        f"the suite dropped: over {humanize.plural(suite.cases, 'case')} together the pass rates fell "
        f"(p = {suite.p_value:.2g}, at most {suite.level:g} allowed), though no single case need show it"
    )

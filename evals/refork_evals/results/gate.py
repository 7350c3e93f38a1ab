"""The findings of the gate."""

from dataclasses import dataclass
from enum import StrEnum


class GateFinding(StrEnum):
    """The gate's finding for one case."""

    REGRESSED = "regressed"
    FAILED = "failed"
    STALE = "stale"
    ERROR = "error"
    UNDECIDABLE = "undecidable"
    CHANGED = "changed"
    REMOVED = "removed"
    NEW = "new"
    UNCONFIRMED = "not confirmed"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    IMPROVED = "improved"


@dataclass(frozen=True, kw_only=True)
class GateCase:
    """One case at the gate. ``blocks`` sets the exit code to 1; ``said`` is a one-line reason; ``command`` runs it
    again. ``margin`` is the drop that is ruled out, as a share, for a case that held.
    """

    case: str
    finding: GateFinding
    blocks: bool = False
    said: str = ""
    command: str = ""
    margin: float | None = None


@dataclass(frozen=True, kw_only=True)
class SuiteDrop:
    """The test of all cases together: many small drops that no single one shows. ``level`` is its share of alpha.

    ``at_most`` is the mean drop over the cases that is ruled out at 5%, as a share; None where it is not known.
    """

    p_value: float
    level: float
    cases: int
    at_most: float | None = None

    @property
    def dropped(self) -> bool:
        return self.p_value <= self.level


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The comparison of ``current`` with the accepted baseline.

    ``baseline`` says where that came from, ``could_find`` which drop this gate would have found, ``notes`` what
    else a reviewer should know.
    """

    cases: tuple[GateCase, ...]
    baseline: str
    suite: SuiteDrop | None = None
    could_find: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        return not any(case.blocks for case in self.cases) and not (self.suite and self.suite.dropped)

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
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    IMPROVED = "improved"


@dataclass(frozen=True, kw_only=True)
class GateCase:
    """One case at the gate. ``blocks`` sets the exit code to 1; ``said`` is a one-line reason; ``command`` runs it
    again.
    """

    case: str
    finding: GateFinding
    blocks: bool = False
    said: str = ""
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class SuiteDrop:
    """The test of all cases together: many small drops that no single one shows. ``level`` is its share of alpha."""

    p_value: float
    level: float
    cases: int

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

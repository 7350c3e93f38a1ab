"""The findings of earlier sessions, as frozen values: a session is one line of ``history.jsonl``."""

from dataclasses import dataclass, field
from datetime import datetime

from refork.records.usage import Money

from refork_evals.results.comparisons import Interval
from refork_evals.results.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class PastCell:
    """A case under a variant, as one session measured it.

    ``reused`` of its ``trials`` were answered from the cache. ``cost_usd`` is that of all trials on the day they were
    paid for, ``seconds`` the mean wall time of a trial. ``fingerprint`` is a digest of the recorded run and the
    expectations: only pass rates with the same one are comparable.
    """

    case: str
    variant: str
    verdict: Verdict
    min_pass_rate: float
    passes: int
    failures: int
    trials: int
    reused: int = 0
    interval: Interval | None = None
    cost_usd: Money | None = None
    seconds: float | None = None
    model: str | None = None
    fingerprint: str | None = None

    @property
    def measured(self) -> int:
        return self.passes + self.failures

    @property
    def pass_rate(self) -> float | None:
        return self.passes / self.measured if self.measured else None


@dataclass(frozen=True, kw_only=True)
class PastSession:
    """One session. ``dirty`` says that tracked files differed from ``commit``; both are None outside a git repository.

    ``versions`` are those of Python and of the installed packages that matter, ``cost_usd`` what the session paid.
    """

    started_at: datetime
    seconds: float
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str] = field(default_factory=dict[str, str])
    cost_usd: Money | None = None
    cells: tuple[PastCell, ...] = ()

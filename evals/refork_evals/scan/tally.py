"""Counts what checks found, run by run, and keeps of each group no more than its ids and its newest run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from refork.case_capture.failures import free_name
from refork.records import Run
from refork.redaction import Redactor
from refork.redaction.runs import redacted_run, scan_run, scan_step
from refork.redaction.texts import without_secrets

from refork_evals.scan.checking.checks import Problem
from refork_evals.scan.results import Example, Group, Scan, Share

UNKNOWN: Final = "unknown"
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class _Counted:
    runs: int = 0
    failing: int = 0
    last_at: datetime = _EARLIEST


@dataclass(kw_only=True)
class _Group:
    problem: Problem
    runs: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    example: Example = field(default_factory=lambda: Example(run=""))
    example_at: datetime | None = None


class Tally:
    """Grows by one run after the other, in any order."""

    def __init__(self) -> None:
        self._failing = 0
        self._scored = 0
        self._unscored: Counter[str] = Counter()
        self._days: dict[str, _Counted] = {}
        self._versions: dict[str, _Counted] = {}
        self._groups: dict[tuple[str, str, str | None], _Group] = {}

    def not_scored(self, why: str) -> None:
        self._unscored[without_secrets(why)] += 1

    async def add(self, run: Run, problems: Sequence[Problem]) -> None:
        """Count a run that was scored."""
        at = run.created_at or _EARLIEST
        self._scored += 1
        self._failing += bool(problems)
        day = UNKNOWN if run.created_at is None else at.astimezone(UTC).date().isoformat()
        for counts, name in ((self._days, day), (self._versions, run.application_version or UNKNOWN)):
            counted = counts.setdefault(name, _Counted())
            counted.runs += 1
            counted.failing += bool(problems)
            counted.last_at = max(counted.last_at, at)
        for problem in {(each.what, each.where): each for each in problems}.values():
            await self._grow(run, at, problem)

    async def _grow(self, run: Run, at: datetime, problem: Problem) -> None:
        group = self._groups.setdefault((run.workflow, problem.what, problem.where), _Group(problem=problem))
        group.runs.append((at, run.id))
        if group.example_at is None or at > group.example_at:
            step = None if problem.step is None else problem.step.number
            group.example = Example(run=run.id, step=step, reason=await reason_of(run, problem))
            group.example_at, group.problem = at, problem

    def result(self, *, in_progress: int) -> Scan:
        return Scan(
            runs=self._scored,
            failing=self._failing,
            unscored=self._unscored.total(),
            unscored_why=next((why for why, _ in self._unscored.most_common(1)), ""),
            in_progress=in_progress,
            days=tuple(sorted(_shares(self._days), key=lambda share: share.name)),
            versions=_shares(self._versions),
            groups=self._result_groups(),
        )

    def _result_groups(self) -> tuple[Group, ...]:
        found: list[Group] = []
        ordered = sorted(self._groups.items(), key=lambda item: (-len(item[1].runs), item[0][:2]))
        for (workflow, what, where), group in ordered:
            newest = sorted(group.runs, reverse=True)
            found.append(
                Group(
                    name=free_name(group.problem.name, [each.name for each in found]),
                    what=without_secrets(what),
                    workflow=workflow,
                    where=where,
                    runs=tuple(run_id for _, run_id in newest),
                    example=group.example,
                    first_at=_known(newest[-1][0]),
                    last_at=_known(newest[0][0]),
                    expect=group.problem.expect,
                )
            )
        return tuple(found)


def _known(moment: datetime) -> datetime | None:
    return None if moment == _EARLIEST else moment


def _shares(counts: dict[str, _Counted]) -> tuple[Share, ...]:
    ordered = sorted(counts.items(), key=lambda item: item[1].last_at, reverse=True)
    return tuple(Share(name=name, runs=each.runs, failing=each.failing) for name, each in ordered)


async def reason_of(run: Run, problem: Problem) -> str:
    """Why the run fails, in words of a run whose secrets were replaced before anything was quoted and cut."""
    if problem.explain is None:
        return ""
    redactor = Redactor()
    for step in run.steps:
        scan_step(redactor, step)
    scan_run(redactor, run)
    return without_secrets(await problem.explain(redacted_run(redactor, run)))

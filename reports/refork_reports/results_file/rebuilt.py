"""Turns what was read from ``results.json`` back into an evaluation, from which every report can be made again.

Nothing is looked up: no case folder, no price, no code of the project. What an earlier Refork did not write is left
out.
"""

from typing import Final

from refork.records import Request
from refork.records.outcome import Outcome, Trial
from refork.records.variant import CURRENT, RECORDED
from refork_evals.results import (
    CaseResult,
    Cell,
    Gate,
    PastSession,
    Score,
    ScoredTrial,
    SuiteDrop,
    SuiteResult,
)
from refork_evals.results.agreement import Agreement, Calibration
from refork_evals.results.sections import Section

from refork_reports.results_file.rebuilt_runs import rebuilt_case, rebuilt_trajectory
from refork_reports.results_file.schema import (
    CalibrationEntry,
    CaseEntry,
    CellEntry,
    GateEntry,
    Results,
    SuiteDropEntry,
    TrialEntry,
)

NOT_IN_FILE: Final = Section(
    title="Not in results.json",
    note="An earlier Refork wrote the file, without the sections that packages add to a report, such as the one over "
    "time, and without the words of tools and users in tails.",
)


def rebuilt(session: Results) -> SuiteResult:
    """Return the evaluation of one session as it was measured."""
    return SuiteResult(
        cases=tuple(map(rebuilt_result, session.cases)),
        started_at=session.started_at,
        seconds=session.totals.seconds,
        alpha=session.alpha,
        refork_version=session.refork,
        settings=session.settings,
        gate=None if session.gate is None else _gate(session.gate),
        comparisons=tuple(session.comparisons),
        recommendations=tuple(session.recommendations),
        history=_history(session),
        sections=(NOT_IN_FILE,) if session.sections is None else tuple(session.sections),
        totals=session.totals,
    )


def _history(session: Results) -> tuple[PastSession, ...]:
    """Return what the file says of its own session; earlier ones are in its section over time alone."""
    if session.commit is None and session.versions is None:
        return ()
    own = PastSession(
        started_at=session.started_at,
        seconds=session.totals.seconds,
        commit=session.commit,
        dirty=session.dirty,
        versions=session.versions or {},
    )
    return (own,)


def rebuilt_result(entry: CaseEntry) -> CaseResult:
    return CaseResult(
        case=rebuilt_case(entry),
        recorded=None if entry.recorded is None else _trial(entry.recorded, RECORDED),
        cells=tuple(_cell(entry.name, cell) for cell in entry.cells),
        outcome=_outcome(entry),
        not_red=entry.not_red,
        fingerprint=entry.fingerprint,
        place=entry.place,
        judges=tuple(map(_calibration, entry.judges)),
    )


def _outcome(entry: CaseEntry) -> Outcome | None:
    if entry.fork is None:
        return None
    requests = {} if entry.prompt is None else {CURRENT: Request(prompt=entry.prompt)}
    return Outcome(
        case=entry.name,
        status=entry.fork.status,
        reason=entry.fork.reason,
        run_id=entry.fork.run_id,
        seconds=entry.fork.seconds,
        requests=requests,
    )


def _cell(case: str, entry: CellEntry) -> Cell:
    counts = (entry.passes, entry.failures, entry.errors, entry.missing)
    if min(counts) < 0 or sum(counts[:3]) != len(entry.trials):
        raise ValueError(f"the counts of {entry.variant!r} of case {case!r} are not those of its trials")
    return Cell(
        case=case,
        variant=entry.variant,
        verdict=entry.verdict,
        min_pass_rate=entry.min_pass_rate,
        fixes=entry.fixes,
        passes=entry.passes,
        failures=entry.failures,
        errors=entry.errors,
        missing=entry.missing,
        interval=entry.interval,
        p_value=entry.p_value,
        trials=tuple(_trial(trial, entry.variant) for trial in entry.trials),
        request=entry.request,
        usage=entry.usage,
        cost_usd=entry.cost_usd,
        seconds=entry.seconds,
        whole_reruns=entry.whole_reruns,
        reason=entry.reason,
        method=entry.method,
        comparison=entry.comparison,
        cut_short=entry.cut_short,
        counted=entry.counted,
        rounds=entry.rounds,
        beside=entry.beside,
        second_look=entry.second_look,
        changes=entry.changes,
        paid=entry.paid,
        reused=entry.reused,
    )


def _trial(entry: TrialEntry, variant: str) -> ScoredTrial:
    return ScoredTrial(
        trial=Trial(
            variant=variant,
            number=entry.number,
            answer=entry.answer,
            error=entry.error,
            usage=entry.usage,
            model=entry.model,
            seconds=entry.seconds,
            resumed=entry.resumed,
            trajectory=rebuilt_trajectory(entry.trajectory),
            reused=entry.reused,
            answered_at=entry.answered_at,
            reused_steps=frozenset(entry.reused_steps),
        ),
        scores=tuple(
            Score(
                scorer=score.scorer,
                passed=score.passed,
                reason=score.reason,
                value=score.value,
                error=score.error,
                judged=score.judge,
            )
            for score in entry.scores
        ),
        passed=entry.passed,
        cost_usd=entry.cost_usd,
    )


def _calibration(entry: CalibrationEntry) -> Calibration:
    found = entry.agreement
    return Calibration(
        place=entry.place,
        text=entry.rubric,
        labels=entry.labels,
        agreement=Agreement(
            both_pass=found.both_pass,
            both_fail=found.both_fail,
            false_passes=found.false_passes,
            false_fails=found.false_fails,
            kappa=found.kappa,
            false_pass_interval=found.false_pass_interval,
            false_fail_interval=found.false_fail_interval,
        ),
        contradicted=entry.contradicted,
        asked=entry.asked,
        answered=entry.answered,
        problem=entry.problem,
    )


def _gate(entry: GateEntry) -> Gate:
    return Gate(
        cases=tuple(entry.cases),
        baseline=entry.baseline,
        suite=None if entry.suite is None else _suite_drop(entry.suite),
        could_find=entry.could_find,
        notes=tuple(entry.notes),
    )


def _suite_drop(entry: SuiteDropEntry) -> SuiteDrop:
    return SuiteDrop(p_value=entry.p_value, level=entry.level, cases=entry.cases, at_most=entry.at_most)

"""Compares the cells of ``current`` with a baseline and decides what blocks."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from refork.records.variant import CURRENT

from refork_evals.gate.baseline import UPDATE, Baseline, BaselineCase
from refork_evals.gate.errors import is_forgivable, too_many_errors
from refork_evals.plans import BaselinePlan, TrialPlan
from refork_evals.plans.planning import Before, Defaults, plan_of
from refork_evals.plans.shares import share_of_suite
from refork_evals.results import (
    CaseResult,
    Cell,
    Change,
    Fingerprint,
    Gate,
    GateCase,
    GateFinding,
    SuiteDrop,
    Verdict,
)
from refork_evals.statistics.strata import Pair, largest_mean_drop
from refork_evals.statistics.stratified import p_of_drop
from refork_evals.verdicts.cells import counts_of, first_error

_FINDINGS: Final = {Change.IMPROVED: GateFinding.IMPROVED, Change.UNCHANGED: GateFinding.HELD}
_NOTHING: Final = "a gate that measured nothing of any case does not pass"
_NEW_BASELINE: Final = f"have a new baseline reviewed: {UPDATE}"


@dataclass(frozen=True, kw_only=True)
class Leniency:
    """The tolerance of a project at the gate, for missing cached answers, and cases that can no longer be compared."""

    errors: bool = False
    changed: bool = False
    inconclusive: bool = True


def before_of(
    entry: BaselineCase | None, fingerprint: Fingerprint | None, model: str | None = None
) -> Before | None:
    """Return the baseline entry to compare a case with; None if there is none that is comparable.

    ``model`` is the one of ``current``, or None if no request was sent yet.
    """
    if entry is None or differs(entry, fingerprint, model):
        return None
    return Before(passes=entry.passes, trials=entry.trials)


def differs(entry: BaselineCase, fingerprint: Fingerprint | None, model: str | None) -> str:
    """Explain why a case is no longer what the baseline measured; empty if it still is."""
    if fingerprint is None or entry.run != fingerprint.run:
        return "its recorded run or fork point has changed since the baseline"
    if entry.scorers != fingerprint.scorers:
        return "its expectations, or the code that scores them, have changed since the baseline"
    if model is not None and entry.model is not None and model != entry.model:
        return f"its model is {model!r}, and was {entry.model!r} in the baseline"
    return ""


def judge_gate(
    results: Sequence[CaseResult],
    baseline: Baseline,
    defaults: Defaults,
    *,
    source: str,
    cases: int | None = None,
    complete: bool = True,
    lenient: Leniency | None = None,
    notes: Sequence[str] = (),
) -> Gate:
    """Compare ``current`` of all cases with the baseline and return the findings.

    ``cases`` is the number of cases that share alpha (default: those measured). ``complete`` says that all cases of
    the project were requested, so a case that is missing was removed.
    """
    lenient = lenient or Leniency()
    measured = [(result, cell) for result in results if (cell := result.cell(CURRENT)) is not None]
    family = max(len(measured), cases or 0)
    plans = {
        result.case.name: plan_of(
            result.case,
            defaults,
            cases=family,
            before=before_of(baseline.cases.get(result.case.name), result.fingerprint, model_of(cell)),
            gated=True,
        )
        for result, cell in measured
    }
    found = [
        _case(
            result,
            cell,
            baseline.cases.get(result.case.name),
            plans[result.case.name],
            lenient,
        )
        for result, cell in measured
    ]
    if measured and not any(cell.measured for _, cell in measured):
        # Nothing that a project forgives makes a gate pass that has seen nothing.
        found = [replace(each, blocks=True, said=f"{each.said}; {_NOTHING}") for each in found]
    gone = sorted(set(baseline.cases) - set(plans)) if complete else []
    found += [
        GateCase(
            case=name,
            finding=GateFinding.REMOVED,
            blocks=not lenient.changed,
            said=f"is in the baseline and was not measured; {_NEW_BASELINE}",
        )
        for name in gone
    ]
    return Gate(
        cases=tuple(found),
        baseline=source,
        suite=_suite(measured, plans, share_of_suite(defaults.alpha, family)),
        could_find=_could_find(plans),
        notes=(*notes, *_from_what(cell for _, cell in measured)),
    )


def _case(
    result: CaseResult,
    cell: Cell,
    entry: BaselineCase | None,
    plan: TrialPlan,
    lenient: Leniency,
) -> GateCase:
    finding, said = _unmeasured(result, cell, entry) or _measured(cell, plan)
    always = (GateFinding.REGRESSED, GateFinding.FAILED, GateFinding.STALE, GateFinding.UNDECIDABLE)
    if finding not in (*always, GateFinding.ERROR):
        many = too_many_errors(cell)
        finding, said = (
            (GateFinding.ERROR, f"{many}; the first: {first_error(cell)}") if many else (finding, said)
        )
    blocks = (
        finding in always
        or (finding is GateFinding.ERROR and not (lenient.errors and is_forgivable(cell)))
        or (finding is GateFinding.CHANGED and not lenient.changed)
        or (finding is GateFinding.INCONCLUSIVE and not lenient.inconclusive)
        or (finding is GateFinding.NEW and cell.verdict is Verdict.FAIL)
    )
    command = f"pytest --agent-evals --agent-evals-gate {shlex.quote(result.place)}" if result.place else ""
    compared = cell.comparison if cell.verdict is Verdict.HELD else None
    return GateCase(
        case=result.case.name,
        finding=finding,
        blocks=blocks,
        said=said,
        command=command,
        margin=None if compared is None else compared.margin,
    )


def _unmeasured(result: CaseResult, cell: Cell, entry: BaselineCase | None) -> tuple[GateFinding, str] | None:
    """Explain why a case could not be compared."""
    if cell.verdict is Verdict.STALE:
        return GateFinding.STALE, cell.reason
    if cell.verdict is Verdict.ERROR:
        return GateFinding.ERROR, cell.reason
    if entry is None:
        return GateFinding.NEW, f"is not in the baseline: {_rate(cell)}"
    problem = differs(entry, result.fingerprint, model_of(cell))
    if problem:
        return GateFinding.CHANGED, f"{problem}, so that it cannot be compared; {_NEW_BASELINE}"
    return None


def _measured(cell: Cell, plan: TrialPlan) -> tuple[GateFinding, str]:
    compared = cell.comparison
    if compared is not None and compared.change is Change.REGRESSED:
        return GateFinding.REGRESSED, _regressed(cell)
    if cell.second_look is not None and cell.verdict is Verdict.INCONCLUSIVE:
        return GateFinding.UNCONFIRMED, cell.reason
    if cell.verdict is Verdict.FAIL:
        return GateFinding.FAILED, cell.reason
    if cell.verdict is Verdict.INCONCLUSIVE:
        if any(bad.value in plan.too_few for bad in Verdict if bad.is_bad):
            return (
                GateFinding.UNDECIDABLE,
                f"can never fail with so few trials: raise max_trials (or trials). {cell.reason}",
            )
        return GateFinding.INCONCLUSIVE, cell.reason
    change = Change.UNCHANGED if compared is None else compared.change
    return _FINDINGS.get(change, GateFinding.HELD), _beside(cell)


def model_of(cell: Cell) -> str | None:
    return None if cell.request is None else cell.request.model


def _regressed(cell: Cell) -> str:
    compared = cell.comparison
    assert compared is not None, "only a comparison says that a case regressed"
    if cell.second_look is not None:
        first, again = counts_of(cell), cell.second_look
        return (
            f"{first.passes} of {first.scheduled} passed, then {again.passes} of {again.trials} when asked again, "
            f"before {compared.passes_before} of {compared.trials_before}"
        )
    return f"{_beside(cell)}; so large a drop comes up in at most {compared.alpha:.2%} of gates where nothing changed"


def _beside(cell: Cell) -> str:
    compared = cell.comparison
    if compared is None:
        return _rate(cell)
    before = compared.passes_before / compared.trials_before
    return f"{_rate(cell)}, before {compared.passes_before} of {compared.trials_before} ({before:.0%})"


def _rate(cell: Cell) -> str:
    share = "" if cell.pass_rate is None else f" ({cell.pass_rate:.0%})"
    return f"{cell.passes} of {cell.measured} passed{share}"


def _suite(
    measured: Sequence[tuple[CaseResult, Cell]], plans: Mapping[str, TrialPlan], level: float
) -> SuiteDrop | None:
    compared = [
        (cell, plan)
        for result, cell in measured
        if cell.comparison is not None and isinstance(plan := plans[result.case.name], BaselinePlan)
    ]
    if not level or not compared:
        return None
    return SuiteDrop(
        p_value=p_of_drop([plan.stratum(counts_of(cell)) for cell, plan in compared]),
        level=level,
        cases=len(compared),
        at_most=_largest_mean_drop(compared),
    )


def _largest_mean_drop(compared: Sequence[tuple[Cell, BaselinePlan]]) -> float | None:
    """Return the mean drop over the cases that is ruled out at 5%; None if a case has no trials.

    Of each case the first trials count, whose number nothing that they showed has chosen. One that could not be
    measured is no pass.
    """
    pairs = [
        Pair(
            passes=sum(each.passed is True for each in first),
            trials=len(first),
            passes_before=plan.before,
            trials_before=plan.trials_before,
        )
        for cell, plan in compared
        if (first := cell.trials[: plan.first])
    ]
    return largest_mean_drop(pairs) if len(pairs) == len(compared) else None


def _from_what(cells: Iterable[Cell]) -> list[str]:
    """Note that nothing new was measured if every answer was reused: the gate has seen these before."""
    trials = [scored.trial for cell in cells for scored in cell.trials]
    if not trials or not all(trial.reused for trial in trials):
        return []
    return ["decided from reused answers alone: no model was called"]


def _could_find(plans: Mapping[str, TrialPlan]) -> str:
    """Describe the drop that the gate finds in nine of ten cases, for the plan with the least power."""
    found = [plan.finds(_WELL, _POWER) for plan in plans.values() if isinstance(plan, BaselinePlan)]
    if not found:
        return ""
    worst = None if None in found else min(rate for rate in found if rate is not None)
    if worst is None:
        return f"a case that falls from {_WELL:.0%} need not be found, however far it falls: raise max_trials"
    return f"a case that falls from {_WELL:.0%} to {worst:.0%} or less is found in {_POWER:.0%} of gates"


_WELL: Final = 0.95
_POWER: Final = 0.9

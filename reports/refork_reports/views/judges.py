"""Shows how far a case's judges can be trusted."""

from dataclasses import dataclass

from refork.text import numbers as humanize
from refork_evals.agreement.calibration import calibrated
from refork_evals.results import CaseResult, Interval
from refork_evals.results.agreement import ENOUGH, Agreement, Calibration, Kappa

from refork_reports.sentences.statistics.estimates import Figure


@dataclass(frozen=True, kw_only=True)
class JudgeView:
    """A rubric's judge in words. ``warning`` says what makes its figures weak, or its verdicts unstable."""

    rubric: str
    models: str
    says: str
    figures: tuple[Figure, ...]
    warning: str


def judge_views(result: CaseResult) -> tuple[JudgeView, ...]:
    return tuple(_view(found, result.case.name) for found in calibrated(result))


def _view(found: Calibration, case: str) -> JudgeView:
    warnings = "; ".join(filter(None, [found.problem or _too_few(found), _moved(found), _wavers(found)]))
    return JudgeView(
        rubric=found.text,
        models=_models(found),
        says="" if found.problem else _says(found, case),
        figures=_figures(found.agreement) if found.agreement.outputs else (),
        warning=warnings[:1].upper() + warnings[1:],
    )


def _models(found: Calibration) -> str:
    asked, answered = " and ".join(found.asked), " and ".join(found.answered)
    if not answered or answered == asked:
        return asked
    return f"{asked}, answered by {answered}"


def _says(found: Calibration, case: str) -> str:
    outputs = found.agreement.outputs
    if not found.labels:
        return f"Not checked against a person: refork label {case}"
    if not outputs:
        return f"None of {humanize.plural(found.labels, 'label')} is of an output of this session: refork label {case}"
    return (
        f"Agrees with a person on {found.agreement.agreed} of {humanize.plural(outputs, 'labelled output')}"
    )


def _too_few(found: Calibration) -> str:
    if not found.agreement.outputs or not found.agreement.too_few:
        return ""
    return f"too few labelled outputs to lean on: {found.agreement.outputs}, of at least {ENOUGH}"


def _moved(found: Calibration) -> str:
    if len(found.answered) < 2:
        return ""
    shares = [f"{model} ({count})" for model, count in found.answered.items()]
    return f"answered by different models, {humanize.listed(shares)}: pin one"


def _wavers(found: Calibration) -> str:
    if not found.contradicted:
        return ""
    return f"it said both pass and fail of {humanize.plural(found.contradicted, 'output')} that several trials gave"


def _figures(found: Agreement) -> tuple[Figure, ...]:
    return (
        _kappa(found.kappa),
        _rate("false passes", found.false_passes, found.person_fails, found.false_pass_interval, "fails"),
        _rate("false fails", found.false_fails, found.person_passes, found.false_fail_interval, "passes"),
    )


def _kappa(kappa: Kappa) -> Figure:
    known = kappa.low is not None and kappa.high is not None
    within = f"{humanize.share(kappa.low)} to {humanize.share(kappa.high)}" if known else kappa.note
    note = kappa.note or "Cohen's kappa: 1 is full agreement, 0 what chance gives"
    return Figure(name="kappa", text=humanize.share(kappa.value), within=within, note=note)


def _rate(name: str, count: int, total: int, interval: Interval | None, said: str) -> Figure:
    within = "" if interval is None else humanize.interval(interval.low, interval.high)
    note = f"of the outputs that the person {said}"
    return Figure(name=name, text=f"{count}/{total}", within=within, note=note)

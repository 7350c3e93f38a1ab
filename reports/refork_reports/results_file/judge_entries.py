"""The judges of a case in the shape of ``results.json``."""

from typing import Any

from refork_evals.agreement.calibration import Calibration
from refork_evals.agreement.kappa import Agreement
from refork_evals.results import CaseResult, Interval

from refork_reports.views.judges import calibrated


def judge_entries(result: CaseResult) -> list[dict[str, Any]]:
    found, problem = calibrated(result)
    return [_entry(each) | {"problem": problem} for each in found]


def _entry(found: Calibration) -> dict[str, Any]:
    return {
        "place": found.rubric.place,
        "rubric": found.rubric.text,
        "asked": dict(sorted(found.asked.items())),
        "answered": dict(sorted(found.answered.items())),
        "labels": found.labels,
        "contradicted": found.contradicted,
        "agreement": _agreement(found.agreement),
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "outputs": found.outputs,
        "too_few": found.too_few,
        "both_pass": found.both_pass,
        "both_fail": found.both_fail,
        "false_passes": found.false_passes,
        "false_fails": found.false_fails,
        "false_pass_rate": found.false_pass_rate,
        "false_pass_interval": _interval(found.false_pass_interval),
        "false_fail_rate": found.false_fail_rate,
        "false_fail_interval": _interval(found.false_fail_interval),
        "kappa": dict(vars(found.kappa)),
    }


def _interval(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else {"low": found.low, "high": found.high}

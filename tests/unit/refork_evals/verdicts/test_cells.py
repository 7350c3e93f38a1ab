"""What is added up in a cell."""

from decimal import Decimal
from typing import Any

import pytest
from refork.errors import BadInputError
from refork.records import Run
from refork.records.outcome import Trial
from refork.records.usage import Usage, WholeReruns
from refork_evals import Verdict
from refork_evals.results import Cell
from refork_evals.trials import scored_by_test
from refork_evals.verdicts.cells import cell_from_scored
from support.evals_builders import broken_trial, case, model_step, trial


def cell(*trials: tuple[Trial, bool | None], **options: Any) -> Cell:
    scored = [scored_by_test(each, passed=passed) for each, passed in trials]
    given: dict[str, Any] = {"case": case(), "min_pass_rate": 0.8, **options}
    return cell_from_scored(variant="careful", scored=scored, **given)


def test_a_cell_counts_passes_failures_errors_and_what_did_not_run() -> None:
    found = cell((trial(0), True), (trial(1), False), (broken_trial(2), None), planned=5)
    assert (found.passes, found.failures, found.errors, found.missing) == (1, 1, 1, 2)
    assert (found.measured, found.pass_rate) == (2, 0.5)


def test_a_cell_adds_up_tokens_cost_and_time_of_what_is_known() -> None:
    found = cell((trial(0), True), (trial(1), True), (broken_trial(2), None))
    assert found.usage == Usage(calls=2, input_tokens=200, output_tokens=20)
    assert found.cost_usd == Decimal("0.000042")
    assert found.seconds == 2.0


def test_a_cell_has_no_price_where_one_trial_has_none() -> None:
    assert cell((trial(0), True), (trial(1, model="my-model"), True)).cost_usd is None
    assert cell((broken_trial(0), None)).cost_usd is None


def test_whole_reruns_are_the_recorded_run_once_for_each_trial_that_answered() -> None:
    found = cell((trial(0), True), (trial(1), False), (broken_trial(2), None)).whole_reruns
    assert found == WholeReruns(trials=2, tokens=2 * 1100, cost_usd=2 * Decimal("0.000264"), seconds=40.0)


def test_whole_reruns_have_no_price_where_the_recorded_run_has_none() -> None:
    recorded = case().run
    steps = (*recorded.steps, model_step(3, tokens=(1, 1), model="my-model"))
    priceless = Run(
        id="r",
        workflow="w",
        status="SUCCESS",
        created_at=recorded.created_at,
        completed_at=recorded.completed_at,
        steps=steps,
    )
    found = cell((trial(), True), case=case(run=priceless)).whole_reruns
    assert found is not None
    assert (found.tokens, found.cost_usd) == (1102, None)


@pytest.mark.parametrize(
    ("trials", "run"),
    [
        pytest.param([broken_trial()], None, id="no-answer"),
        pytest.param([trial(usage=None)], None, id="no-usage-of-the-trial"),
        pytest.param(
            [trial()], Run(id="r", workflow="w", status="SUCCESS", steps=()), id="no-usage-of-the-run"
        ),
    ],
)
def test_there_are_no_whole_reruns_of_the_unknown(trials: list[Trial], run: Run | None) -> None:
    made_for = case() if run is None else case(run=run)
    assert cell(*[(each, True) for each in trials], case=made_for).whole_reruns is None


def test_a_cell_of_a_suite_fails_only_by_evidence_that_any_correction_leaves() -> None:
    half = [(trial(number), number < 5) for number in range(10)]
    assert cell(*half).verdict is Verdict.FAIL
    assert cell(*half, cases=20).verdict is Verdict.INCONCLUSIVE


def test_the_reason_quotes_the_first_error() -> None:
    found = cell((trial(0), True), (broken_trial(1), None))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.endswith("1 of 2 trials ended in an error; the first: RateLimitError: 429")
    assert cell((broken_trial(), None)).reason == (
        "nothing was measured: 1 of 1 trials ended in an error; the first: RateLimitError: 429"
    )


def test_a_minimum_that_nothing_could_fail_is_refused() -> None:
    with pytest.raises(BadInputError, match="min_pass_rate 0 must be above 0"):
        cell((trial(), True), min_pass_rate=0)

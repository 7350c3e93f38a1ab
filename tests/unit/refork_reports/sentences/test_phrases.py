"""The sentences say what happened, no more."""

from dataclasses import replace
from decimal import Decimal

from refork.records.usage import WholeReruns
from refork_evals.results import Cell, Verdict
from refork_evals.results.totals import totals
from refork_reports.sentences import phrases
from support.report_evaluations import (
    case,
    cell,
    evaluation,
    everything,
    guard,
    hostile,
    misleading_summary,
    mixed,
    realistic,
)


def test_a_fix_is_said_with_its_trials_and_interval() -> None:
    assert [phrases.fix(won) for won in misleading_summary().fixes] == ["careful 10/10 (72–100%)"]


def test_trials_that_did_not_run_stay_in_the_denominator() -> None:
    cut_short = cell("cut", "current", Verdict.INCONCLUSIVE, mixed("current", 3, 3), missing=7)
    assert phrases.shown_trials(cut_short) == "3/10"


def test_one_model_without_a_price_leaves_the_total_unknown() -> None:
    assert totals(realistic()).cost_usd == sum(
        (one.cost_usd for one in realistic().cells if one.cost_usd is not None), Decimal(0)
    )
    assert totals(everything()).cost_usd is None
    assert totals(everything()).unpriced_models == ("local<model>",)


def test_the_recorded_runs_own_model_is_named_where_only_it_lacks_a_price() -> None:
    result = misleading_summary()
    whole = WholeReruns(trials=1, tokens=1, cost_usd=None, seconds=1)
    cells: tuple[Cell, ...] = (replace(result.cells[0], whole_reruns=whole),)
    unpriced = replace(result, case=case("old", model="house-model"), cells=cells)
    assert totals(evaluation(unpriced)).unpriced_models == ("house-model",)


def test_the_recorded_answer_of_a_case_that_is_not_red_is_called_so() -> None:
    assert phrases.recorded_says(hostile()) == "not red"
    assert phrases.recorded_says(misleading_summary()) == "fail"
    assert phrases.recorded_says(replace(guard(), recorded=None)) == "–"

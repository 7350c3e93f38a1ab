"""What a run of MLflow holds of an evaluation."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from refork_evals.results import PastSession
from refork_evals.results.totals import totals
from refork_reports.formats import frames
from refork_reports.mlflow_runs.contents import metrics, params, prompts, table
from support.gated import gated
from support.report_evaluations import (
    BEGIN,
    CAREFUL,
    SUMMARIZER,
    evaluation,
    everything,
    guard,
    hostile,
    misleading_summary,
    realistic,
    request,
)


def test_metrics_are_the_figures_of_the_page() -> None:
    made = realistic()
    summed, found = totals(made), metrics(made)
    assert found["total/trials"] == summed.trials
    assert found["total/tokens"] == summed.usage.total_tokens
    assert summed.cost_usd is not None
    assert Decimal(str(found["total/cost_usd"])) == pytest.approx(summed.cost_usd)
    for cell in made.cells:
        assert found.get(f"case/{cell.case}/{cell.variant}/pass_rate") == cell.pass_rate
    variants = {cell.variant for cell in made.cells}
    verdicts = sum(value for name, value in found.items() if re.match("variant/.*/verdict_", name))
    assert verdicts == len(made.cells)
    assert {name.split("/")[1] for name in found if name.startswith("variant/")} == variants


def test_a_gate_is_a_metric_and_an_unknown_cost_is_none() -> None:
    assert metrics(gated(passes=True))["total/gate_passes"] == 1
    assert "total/gate_passes" not in metrics(realistic())
    assert "total/cost_usd" not in metrics(everything())


def test_names_hold_nothing_that_mlflow_refuses_or_a_path_follows() -> None:
    odd = hostile()
    odd = replace(
        odd, case=replace(odd.case, name="../../x:y"), cells=(replace(odd.cells[0], case="../../x:y"),)
    )
    found = metrics(evaluation(hostile(), odd))
    assert found
    for name in [*found, *prompts(evaluation(hostile(), odd)), *params(evaluation(hostile()))]:
        assert re.fullmatch(r"[\w.\- /]{1,250}", name)
        assert not {"..", ".", ""} & set(name.split("/"))


def test_cases_whose_names_become_the_same_keep_their_figures() -> None:
    result = misleading_summary()
    pair = [
        replace(result, cells=tuple(replace(cell, case=name) for cell in result.cells))
        for name in ("a:b", "a*b")
    ]
    found = metrics(evaluation(*pair))
    assert found["case/a_b/current/pass_rate"] == found["case/a_b/current/pass_rate_2"]


def test_params_name_settings_variants_commit_and_versions() -> None:
    own = PastSession(
        started_at=BEGIN, seconds=1.0, commit="c" * 40, dirty=True, versions={"python": "3.11.7"}
    )
    found = params(replace(evaluation(misleading_summary()), history=(own,)))
    assert found["variants"] == "current, careful, terse"
    assert (found["commit"], found["dirty"], found["version.python"]) == ("c" * 40, "True", "3.11.7")
    assert found["settings.concurrency"] == "8"
    assert "commit" not in params(evaluation(misleading_summary()))


def test_a_long_setting_fits_into_a_param() -> None:
    made = replace(evaluation(misleading_summary()), settings={"app": "a" * 10_000})
    assert len(params(made)["settings.app"]) == 500


def test_a_prompt_is_one_file_unless_cases_were_sent_different_ones() -> None:
    found = prompts(evaluation(misleading_summary(), guard()))
    assert found["summarizer/current.md"] == SUMMARIZER
    assert found["summarizer/careful.md"] == CAREFUL
    other = guard()
    other = replace(
        other, cells=tuple(replace(cell, request=request(f"{cell.variant}!")) for cell in other.cells)
    )
    found = prompts(evaluation(misleading_summary(), other))
    assert found["summarizer/current/misleading-summary.md"] == SUMMARIZER
    assert found["summarizer/current/quarterly-summary.md"] == "current!"


def test_the_table_has_a_row_for_each_trial() -> None:
    columns, frame = table(everything()), frames.trials(everything())
    assert {len(column) for column in columns.values()} == {len(frame)}
    assert columns["case"] == list(frame["case"])
    assert columns["trial"] == list(frame["number"])
    assert any("SELECT FROM" in calls for calls in columns["tool_calls"])


def test_an_evaluation_without_trials_has_no_table() -> None:
    assert table(evaluation()) == {}
    assert metrics(evaluation())["total/cases"] == 0

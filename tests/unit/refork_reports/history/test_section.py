"""The section of the report that draws pass rates over time."""

from dataclasses import replace

from refork_evals.results import SuiteResult
from refork_reports.formats.html import render
from refork_reports.history.section import over_time
from refork_reports.sections import Sparkline
from support.histories import past_cell, past_session
from support.report_evaluations import evaluation, misleading_summary


def with_history(*passes: int | None) -> SuiteResult:
    name = "misleading-summary"
    sessions = [
        past_session(day, past_cell(0, 0, case=name, interval=None) if n is None else past_cell(n, case=name))
        for day, n in enumerate(passes, 1)
    ]
    return replace(evaluation(misleading_summary()), history=tuple(sessions))


def test_there_is_no_section_until_a_case_was_measured_twice() -> None:
    assert over_time(with_history()) is None
    assert over_time(with_history(3)) is None
    assert over_time(with_history(None, 3)) is None
    assert "Over time" not in render(with_history(3))


def test_a_row_has_the_rates_the_verdict_and_the_last_change() -> None:
    section = over_time(with_history(9, 10, 2))
    assert section is not None
    ((case, variant, chart, now, change),) = section.rows
    assert (case, variant) == ("misleading-summary", "current")
    assert now == "inconclusive, 20% (6–51%)"
    assert change == "fell from 100% at 0000003"
    assert isinstance(chart, Sparkline)
    assert chart.text == "pass rates of 3 sessions, the oldest first: 90%, 100%, 20%"


def test_the_page_draws_the_rates_and_reads_them_out() -> None:
    page = render(with_history(9, None, 10, 2))
    assert page.count('<svg width="120"') == 1
    assert 'aria-label="pass rates of 4 sessions, the oldest first: 90%, –, 100%, 20%"' in page
    assert page.count("<polyline") == 2


def test_a_gap_separates_lines_and_a_chart_stays_in_its_box() -> None:
    chart = Sparkline(values=[0.0, 1.0, None, 0.5], text="")
    assert chart.lines == (((2.0, 18.0), (34.0, 2.0)), ((98.0, 10.0),))

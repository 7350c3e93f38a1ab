"""A recorded run as a page: every step with what went in and out, and no text of a model's is obeyed."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from refork.records import Answer, Run, Step, StepKind, ToolCall
from refork.records.prices import Price, use_prices
from refork_reports.views.run_pages.run_page import render
from refork_reports.views.run_pages.step_marks import StepMarks
from support.report_browser import CHROMIUM, browser, need
from support.run_pages import CAPTURE, HOSTILE, page, run_of


def test_hostile_text_is_shown_everywhere_and_obeyed_nowhere() -> None:
    found = page(HOSTILE)
    assert found.count("<script") == 1
    assert "<img" not in found
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert found.count("&lt;script&gt;") >= 15


def test_no_script_of_a_model_runs_in_a_browser(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("page") / "run.html"
    file.write_text(page(HOSTILE), encoding="utf-8")
    with browser(need(CHROMIUM)) as tab:
        for width, dark in ((1280, False), (390, True)):
            tab.open(file, width=width, dark=dark)
            tab.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true })")
            assert tab.evaluate("window.owned") is None
            assert tab.evaluate("document.scripts.length + document.images.length") == 1
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            assert (tab.requests, tab.complaints) == ([file.as_uri()], [])
        tab.open(file, anchor="step-%E0%A4%A")  # an address that was broken on its way
        assert tab.complaints == []
        assert not tab.evaluate("document.getElementById('all').hidden")


def test_every_step_that_runs_a_function_has_a_command_that_a_shell_takes_as_it_stands() -> None:
    found = re.findall(r"data-copy=\"([^\"]+)\"", page())
    assert found == [f"refork capture &#39;run 1; rm -rf&#39; --step {number}" for number in (1, 2, 4)]
    assert page().count("it can be no fork point") == 1


def test_the_step_that_ended_the_run_is_named_though_the_framework_wrapped_its_error() -> None:
    assert re.search(r'failed at <a href="#step-2">step 2, find', page())


def test_what_a_tool_got_is_shown_with_what_it_gave() -> None:
    found = page("of the 7th")
    assert "the arguments of step 2" in found
    assert "of the 7th" in found


def test_tokens_and_cost_are_summed_and_a_model_without_a_price_is_named() -> None:
    assert "$0.00021" in page() or "0.0002" in page()
    run = run_of("hello")
    unknown = replace(run, steps=(replace(run.steps[0], model="house-model"),))
    assert "no price for house-model" in render(unknown, unknown.steps, missing=None, capture=CAPTURE)


def test_the_page_says_that_a_price_is_the_projects_own() -> None:
    run = run_of("hello")
    own = replace(run, steps=(replace(run.steps[0], model="house-model"),))
    use_prices({"house-model": Price(input=Decimal(1), output=Decimal(2))})
    try:
        found = render(own, own.steps, missing=None, capture=CAPTURE)
    finally:
        use_prices({})
    assert "<small>by your price list</small>" in found


def test_the_page_says_whether_secrets_were_replaced() -> None:
    assert "Secrets that were found are replaced" in page()
    assert "it may hold secrets" in page(capture=(*CAPTURE, "--no-redact"))


def long_run() -> Run:
    asked = tuple(ToolCall(name="look", arguments={"city": city}) for city in ("Rome", "Oslo"))
    steps = (
        Step(number=1, name="ask", kind=StepKind.MODEL, agent="a", answer=Answer(text="", tool_calls=asked)),
        Step(number=2, name="DBOS.sleep"),
        *(Step(number=n, name="poll", output=HOSTILE) for n in range(3, 9)),
        Step(number=9, name="book", output="booked"),
    )
    return Run(id="r", workflow="w", status="SUCCESS", steps=steps)


def timeline_of(found: str) -> str:
    return found[found.index('id="timeline-title"') : found.index('id="io-title"')]


def test_what_repeats_and_plumbing_are_rows_that_can_be_opened() -> None:
    run = long_run()
    found = timeline_of(render(run, run.steps, missing=None, capture=CAPTURE))
    assert re.findall(r"<summary>.*?</summary>", found) == [
        '<summary><span class="number">2</span> 1 step of DBOS&#39;s own: DBOS.sleep</summary>',
        '<summary><span class="number">4–8</span> the same 5 more times</summary>',
    ]
    assert found.count('class="moment') == len(run.steps)


def test_every_one_of_parallel_calls_is_in_the_timeline() -> None:
    run = long_run()
    found = timeline_of(render(run, run.steps, missing=None, capture=CAPTURE))
    assert re.findall(r'<span class="call">(\w+)\(.*?(Rome|Oslo)', found) == [
        ("look", "Rome"),
        ("look", "Oslo"),
    ]


def test_the_broken_step_and_those_that_write_are_marked_and_the_reason_leads_there() -> None:
    run = long_run()
    marks = StepMarks(
        broken=frozenset({9}), writes=frozenset({9}), reasons=((9, f"tool_not_called: {HOSTILE}"),)
    )
    found = render(run, run.steps, missing=None, capture=CAPTURE, marks=marks)
    row = timeline_of(found).split("<li")[-1]
    assert "broken here" in row
    assert ">writes</span>" in row
    assert '<a href="#step-9">step 9</a>: ' in found
    assert "<img" not in found

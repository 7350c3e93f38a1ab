"""Two variants that a reader chooses are compared, and the address says which."""

from pathlib import Path

import pytest
from refork_reports.formats.html import write
from support.report_browser import DRAWN, Browser
from support.report_evaluations import evaluation, guard, misleading_summary, tail

RESULT = "document.getElementById('compare-result').innerText"
CASE = "case=case%2Fmisleading-summary"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = evaluation(misleading_summary(), guard(), tail())
    return write(made, tmp_path_factory.mktemp("report"), title="analyst")


def opened(tab: Browser, page: Path, anchor: str, width: int = 1280) -> str:
    tab.open(page, anchor=anchor, width=width)
    tab.evaluate(DRAWN)
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    said: str = tab.evaluate(RESULT)
    return said


def test_nothing_is_drawn_until_it_is_opened(tab: Browser, page: Path) -> None:
    opened(tab, page, "")
    assert tab.evaluate("document.getElementById('compare-result').childNodes.length") == 0
    tab.evaluate("document.querySelector('#compare > summary').click()")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert "careful passes more often than current" in tab.evaluate(RESULT)
    assert tab.complaints == []


def test_cases_that_flip_are_listed_both_ways_and_lead_to_their_outputs(tab: Browser, page: Path) -> None:
    said = opened(tab, page, "compare?left=current&right=terse")
    assert "Pass under current, fail under terse: 1\nquarterly-summary" in said
    assert "Fail under current, pass under terse: none" in said
    tab.evaluate("document.querySelector('.flips a').click()")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert "current 14 of 14 compared trials pass" in tab.evaluate(RESULT)
    assert "case=case%2Fquarterly-summary" in tab.evaluate("location.hash")


def test_the_outputs_of_a_case_stand_side_by_side_and_are_said_not_to_pair(tab: Browser, page: Path) -> None:
    said = opened(tab, page, f"compare?left=terse&right=careful&{CASE}")
    assert "careful passes more often than terse: +60 points" in said
    assert "Trials do not pair" in said
    left, right = tab.evaluate("[...document.querySelectorAll('.side-trials')].map((box) => box.innerText)")
    assert "6 of 10 said exactly this" in left
    assert "10 of 10 said exactly this" in right
    ids = "[...document.querySelectorAll('[id]')].map((item) => item.id)"
    assert tab.evaluate(f"{ids}.length === new Set({ids}).size")


def test_the_interval_is_drawn_beside_its_margin_and_said(tab: Browser, page: Path) -> None:
    opened(tab, page, f"compare?left=terse&right=careful&{CASE}")
    chart = "document.querySelector('#compare-result .chart')"
    assert "95% interval" in tab.evaluate(f"{chart}.getAttribute('aria-label')")
    box = "const box = (name) => document.querySelector(name).getBoundingClientRect();"
    band, interval = tab.evaluate(
        f"(() => {{ {box} return [box('.chart-band'), box('.chart-interval')].map((b) => [b.left, b.right]) }})()"
    )
    assert band[0] < band[1]
    assert (
        interval[1] > interval[0] > (band[0] + band[1]) / 2
    )  # it excludes zero, which is in the band's middle


def test_what_is_chosen_stands_in_the_address_beside_the_filter(tab: Browser, page: Path) -> None:
    opened(tab, page, f"compare?left=careful&right=terse&text=Revenue&{CASE}")
    tab.evaluate("document.getElementById('compare-swap').click()")
    wanted = tab.evaluate("Object.fromEntries(new URLSearchParams(location.hash.split('?')[1]))")
    assert wanted == {
        "left": "terse",
        "right": "careful",
        "case": "case/misleading-summary",
        "axis": "cost",
        "text": "Revenue",
    }
    assert tab.evaluate("location.hash.split('?')[0]") == "#compare"
    assert tab.evaluate("document.getElementById('filter-text').value") == "Revenue"


def test_every_variant_is_a_dot_and_a_row_by_cost_or_time(tab: Browser, page: Path) -> None:
    said = opened(tab, page, f"compare?left=current&right=careful&axis=time&{CASE}")
    assert "Time of a trial, and how often it passes" in said
    names = "[...document.querySelectorAll('.chart-name')].map((item) => item.textContent)"
    assert sorted(tab.evaluate(names)) == ["careful", "current", "terse"]
    assert "terse\t40%\t1.4 s" in said


def test_variants_that_no_case_has_both_of_are_said_so(tab: Browser, page: Path) -> None:
    said = opened(tab, page, "compare?left=terse&right=careful&case=case%2Frefund-too-much")
    assert said == "These two were not both measured there."


def test_on_a_phone_the_comparison_fits(tab: Browser, page: Path) -> None:
    opened(tab, page, f"compare?left=terse&right=careful&{CASE}", width=390)
    assert tab.evaluate("document.documentElement.scrollWidth") == 390


def test_a_broken_address_leads_nowhere_and_breaks_nothing(tab: Browser, page: Path) -> None:
    opened(tab, page, "case/%E0%A4%A?text=%&left=%ZZ")
    assert tab.complaints == []
    assert tab.evaluate("document.querySelectorAll('.trial').length") > 0

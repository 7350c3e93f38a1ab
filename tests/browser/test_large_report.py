"""A page of thousands of trials has nodes of what is opened alone, and finds what is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from refork_evals.results import Verdict
from refork_reports.formats.html import write
from support.large_evaluations import VARIANTS, large
from support.report_browser import DRAWN, Browser
from support.report_evaluations import cell, failed, misleading_summary

CASES, TRIALS = 25, 16
MANY = 120
SHOWN = "[...document.querySelectorAll('details.case:not([hidden])')].map((item) => item.dataset.name)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 trials, and a case whose current prompt gave 120 different outputs, the last of them with a zebra."""
    trials = [failed("current", n, f"output {n}{' zebra' * (n == MANY)}") for n in range(1, MANY + 1)]
    made = large(CASES, TRIALS)
    many = misleading_summary()
    many = replace(many, cells=(cell(many.case.name, "current", Verdict.FAIL, trials), *many.cells[1:]))
    return write(replace(made, cases=(*made.cases, many)), tmp_path_factory.mktemp("large"))


def opened(tab: Browser, page: Path, anchor: str = "") -> None:
    tab.open(page, anchor=anchor)
    tab.evaluate(DRAWN)


def choose(tab: Browser, field: str, value: str) -> None:
    tab.evaluate(
        f"{{ const field = document.getElementById('filter-{field}'); field.value = '{value}';"
        "field.dispatchEvent(new Event('input', {bubbles: true})) }"
    )


def test_only_what_is_open_has_nodes(tab: Browser, page: Path) -> None:
    opened(tab, page)
    cases = "document.querySelectorAll('details.case')"
    assert tab.evaluate(f"{cases}.length") == CASES + 1
    assert tab.evaluate(f"[...{cases}].filter((item) => item.open).length") == 3
    assert tab.evaluate(
        f"[...{cases}].every((item) => item.open === Boolean(item.querySelector('.variant')))"
    )
    assert tab.evaluate("document.querySelectorAll('.trial').length") == 3 * TRIALS
    assert tab.evaluate("document.querySelectorAll('.trial-body').length") == 3
    tab.evaluate("document.querySelector('details.case:not([open])').open = true")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert tab.evaluate("document.querySelector('details.case[open] .timeline') !== null")
    assert tab.evaluate("document.querySelectorAll('.variant').length") == 4 * len(VARIANTS)
    assert tab.complaints == []


def test_a_link_leads_to_a_trial_of_a_case_that_was_not_open(tab: Browser, page: Path) -> None:
    anchor = f"case/misleading-summary/current/{MANY}"
    opened(tab, page, anchor)
    assert tab.evaluate(f"document.getElementById('{anchor}').checkVisibility()")
    assert "zebra" in tab.evaluate(f"document.getElementById('{anchor}').closest('.trial').textContent")


def test_trials_come_in_pages(tab: Browser, page: Path) -> None:
    opened(tab, page, "case/misleading-summary/current")
    list_ = "document.querySelector('[data-cell=\"case/misleading-summary/current\"]')"
    assert tab.evaluate(f"{list_}.querySelectorAll(':scope > details').length") == 50
    assert tab.evaluate(f"{list_}.lastChild.textContent") == "Show 50 more of 70 different results"
    tab.evaluate(f"{list_}.lastChild.click()")
    tab.evaluate(f"{list_}.lastChild.click()")
    assert tab.evaluate(f"{list_}.querySelectorAll(':scope > details').length") == MANY
    assert tab.evaluate(f"{list_}.querySelector(':scope > button') === null")


def test_a_word_of_an_output_is_found_and_stands_in_the_address(tab: Browser, page: Path) -> None:
    opened(tab, page)
    choose(tab, "text", "ZEBRA")
    assert tab.evaluate(SHOWN) == ["misleading-summary"]
    assert tab.evaluate("document.querySelectorAll('.matrix tbody tr:not([hidden])').length") == 1
    assert tab.evaluate("location.hash") == "#?text=ZEBRA"
    choose(tab, "text", "")
    assert len(tab.evaluate(SHOWN)) == CASES + 1


def test_an_address_with_a_filter_shows_what_it_showed_to_the_sender(tab: Browser, page: Path) -> None:
    opened(tab, page, "case/misleading-summary?text=zebra&variant=current&scorer=regex&verdict=fail")
    assert tab.evaluate(SHOWN) == ["misleading-summary"]
    box = "document.getElementById('case/misleading-summary').closest('details')"
    tab.evaluate(f"{box}.open = true")
    assert tab.evaluate(
        f"[...{box}.querySelectorAll('.variant:not([hidden])')].map((v) => v.dataset.variant)"
    ) == ["current"]
    assert tab.evaluate(f"{box}.querySelectorAll('.trial').length") == 1
    fields = "[...document.querySelectorAll('#filter select')].map((field) => field.value)"
    assert tab.evaluate(fields) == ["fail", "current", "regex"]


def test_a_scorer_leaves_the_trials_that_it_did_not_pass(tab: Browser, page: Path) -> None:
    opened(tab, page)
    choose(tab, "scorer", "regex")
    assert tab.evaluate(SHOWN) == ["misleading-summary"]
    choose(tab, "scorer", "judge")
    assert "misleading-summary" not in tab.evaluate(SHOWN)
    assert tab.evaluate(
        "[...document.querySelectorAll('.trial > summary .verdict')].every((v) => v.textContent === 'fail')"
    )


def test_a_verdict_is_that_of_the_chosen_variant(tab: Browser, page: Path) -> None:
    opened(tab, page)
    choose(tab, "verdict", "fail")
    failing = len(tab.evaluate(SHOWN))
    assert 0 < failing < CASES
    choose(tab, "variant", "gpt-5")
    assert tab.evaluate(SHOWN) == []
    choose(tab, "verdict", "pass")
    assert len(tab.evaluate(SHOWN)) == CASES


def test_a_link_to_a_case_that_the_filter_hides_ends_the_filter(tab: Browser, page: Path) -> None:
    opened(tab, page)
    choose(tab, "text", "zebra")
    name = tab.evaluate("document.querySelector('details.case').dataset.case")
    tab.evaluate(f"location.hash = '{name}'")
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert len(tab.evaluate(SHOWN)) == CASES + 1


def test_keys_lead_to_the_filter_and_from_case_to_case(tab: Browser, page: Path) -> None:
    opened(tab, page)
    focused = "document.activeElement.closest('details.case')?.dataset.name ?? document.activeElement.id"
    tab.press("j")
    first = tab.evaluate(focused)
    tab.press("j")
    names = tab.evaluate(SHOWN)
    assert [first, tab.evaluate(focused)] == names[:2]
    tab.press("k")
    assert tab.evaluate(focused) == names[0]
    tab.press("/")
    assert tab.evaluate(focused) == "filter-text"


def test_without_scripts_a_large_page_shows_verdicts_and_matrix(tab: Browser, page: Path) -> None:
    tab.open(page, scripts=False)
    said = tab.evaluate("document.querySelector('main').innerText")
    assert "The script of this page shows this case here. results.json beside it holds it all." in said
    assert tab.evaluate("document.querySelectorAll('.matrix tbody tr').length") == CASES + 1

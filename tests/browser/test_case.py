"""A case shows the words that decided, and what a reader takes along is copied."""

from dataclasses import replace
from pathlib import Path

import pytest
from refork_evals.results import Verdict
from refork_reports.formats.html import write
from support.report_browser import DRAWN, Browser
from support.report_evaluations import HOSTILE, cell, evaluation, failed, misleading_summary, request

CELL = "document.querySelector('[data-cell=\"case/misleading-summary/current\"]')"
CLIPBOARD = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"
PLACE = "evals/cases/misleading summary/case.yaml"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose current prompt said the same nine times, and harm around the words once."""
    made = misleading_summary()
    harm = failed("current", 11, f"\x01fail regex\x02It increased\x03 <b>increased</b> {HOSTILE}")
    trials = [*made.cells[0].trials, harm]
    cells = (cell("misleading-summary", "current", Verdict.FAIL, trials, request=request("Sum up.")),)
    made = replace(made, cells=(*cells, *made.cells[1:]), place=PLACE)
    return write(evaluation(made), tmp_path_factory.mktemp("report"), title="analyst")


def opened(tab: Browser, page: Path, anchor: str = "case/misleading-summary/current") -> None:
    tab.open(page, anchor=anchor)
    tab.evaluate(DRAWN)
    tab.evaluate("new Promise((done) => setTimeout(done, 50))")
    tab.evaluate(CLIPBOARD)


def copied(tab: Browser, name: str) -> str:
    tab.evaluate(f"[...{CELL}.querySelectorAll('.copy')].find((b) => b.textContent === {name!r}).click()")
    said: str = tab.evaluate("window.copied")
    return said


def test_the_words_that_decided_are_marked_with_their_scorer(tab: Browser, page: Path) -> None:
    opened(tab, page)
    marks = f"[...{CELL}.querySelectorAll('.trial-body mark')].map((m) => [m.textContent, m.dataset.scorer])"
    assert tab.evaluate(marks) == [["increased", "not_contains"]]
    first = f"{CELL}.querySelector('.trial > summary').textContent"
    assert "9 of 11 said exactly this" in tab.evaluate(first)
    assert "is-fail" in tab.evaluate(f"{CELL}.querySelector('mark').className")


def test_the_words_of_the_recorded_answer_are_marked_too(tab: Browser, page: Path) -> None:
    opened(tab, page)
    marks = "[...document.querySelectorAll('.recorded-answer mark')].map((m) => [m.textContent, m.dataset.scorer])"
    assert tab.evaluate(marks) == [["increased", "not_contains"]]


def test_marks_in_hostile_text_are_text(tab: Browser, page: Path) -> None:
    opened(tab, page, "case/misleading-summary/current/11")
    box = "document.getElementById('case/misleading-summary/current/11').closest('.trial')"
    marks = f"[...{box}.querySelectorAll('mark')].map((m) => [m.textContent, m.dataset.scorer])"
    assert tab.evaluate(marks) == [["increased", "not_contains"]] * 2
    shown = tab.evaluate(f"{box}.querySelector('.text').textContent")
    assert shown.startswith("⟨U+0001⟩fail regex⟨U+0002⟩It increased⟨U+0003⟩ <b>increased</b> </pre></script>")
    assert tab.evaluate("document.scripts.length + document.images.length") == 1
    assert tab.complaints == []


def test_the_command_that_runs_the_cell_again_is_copied_as_a_shell_takes_it(tab: Browser, page: Path) -> None:
    opened(tab, page)
    assert copied(tab, "Copy command") == f"pytest --agent-evals '{PLACE}::current'"


def test_an_output_is_copied_as_it_is_shown(tab: Browser, page: Path) -> None:
    opened(tab, page)
    assert copied(tab, "Copy output").startswith("Revenue increased by 12% in March")


def test_the_request_is_copied_as_json(tab: Browser, page: Path) -> None:
    opened(tab, page)
    copied(tab, "Copy request as JSON")
    assert tab.evaluate("JSON.parse(window.copied).prompt") == "Sum up."


def test_where_the_clipboard_is_refused_the_text_is_shown_and_selected(tab: Browser, page: Path) -> None:
    opened(tab, page)
    tab.evaluate("navigator.clipboard.writeText = async () => { throw new Error('refused'); }")
    tab.evaluate(f"{CELL}.querySelector('.copy').click()")
    tab.evaluate("new Promise((done) => setTimeout(done, 20))")
    assert tab.evaluate("getSelection().toString()") == f"pytest --agent-evals '{PLACE}::current'"


def test_words_of_a_text_are_found_through_its_marks(tab: Browser, page: Path) -> None:
    opened(tab, page, "case/misleading-summary/current?text=increased by 12% in march")
    assert tab.evaluate(f"{CELL}.querySelectorAll(':scope > .trial').length") == 1

"""The trials travel as data that holds each text once, and no markup."""

import re
from dataclasses import replace

import pytest
from markupsafe import escape
from refork_evals.results import Verdict
from refork_reports.formats.html import render
from refork_reports.views.trials.page_data import MARK, packed
from refork_reports.views.trials.placed_cells import placed_cases
from support.report_data import page_data
from support.report_evaluations import cell, evaluation, everything, failed, guard, misleading_summary


def test_what_is_packed_holds_no_character_that_markup_needs() -> None:
    cells = [cell for case in placed_cases(everything()) for cell in case.cells]
    assert re.fullmatch("[A-Za-z0-9+/=]+", packed(cells, {}))


def test_a_text_is_there_once_however_many_trials_give_it() -> None:
    strings = page_data(render(evaluation(misleading_summary(), guard())))["strings"]
    assert len(strings) == len(set(strings))
    assert sum("Revenue fell by 12% in March" in text for text in strings) == 1


def test_controls_are_spelled_out_after_a_mark_and_named() -> None:
    data = page_data(render(everything()))
    obeyed = set("\x1b\x07\u202e\u202c\u200b\ud800")
    assert not obeyed & set("".join(data["strings"]))
    assert any(f"{MARK}⟨U+202E⟩gnp.exe" in text for text in data["strings"])
    assert data["controls"]["⟨U+202E⟩"] == "U+202E RIGHT-TO-LEFT OVERRIDE"
    assert data["controls"]["⟨ESC⟩"] == "U+001B control character"


def test_a_cell_is_found_by_its_anchor() -> None:
    data = page_data(render(evaluation(misleading_summary())))
    assert list(data["cells"]) == [
        f"case/misleading-summary/{name}" for name in ("current", "careful", "terse")
    ]


def test_a_secret_that_this_process_holds_is_hidden_before_it_is_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = 'zq8vN3xL0p"Tb7Yw2Qd'
    monkeypatch.setenv("REPORT_API_KEY", key)
    made = misleading_summary()
    cells = (cell(made.case.name, "current", Verdict.FAIL, [failed("current", 1, f"The key is {key}.")]),)
    strings = page_data(render(evaluation(replace(made, cells=cells))))["strings"]
    assert "The key is ***." in strings
    assert not any(key in text for text in strings)


def test_a_secret_is_hidden_in_the_body_of_a_case_too(monkeypatch: pytest.MonkeyPatch) -> None:
    key = 'zq8vN3xL0p"Tb7Yw2Qd'
    monkeypatch.setenv("REPORT_API_KEY", key)
    markup = f"<p>The key is {escape(key)}.</p>"
    page = f'<template id="data">{packed((), {"case/a": markup})}</template>'
    assert page_data(page)["bodies"] == {"case/a": '[["p",{},"The key is ***."]]'}

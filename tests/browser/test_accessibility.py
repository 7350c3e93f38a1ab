"""axe-core finds nothing on the report, on the page of a run and in a notebook, with all that opens open."""

from pathlib import Path

import pytest
from refork_reports.formats import html, notebook
from support.axe import CONTRAST, findings
from support.report_browser import DRAWN, OPEN_ALL, Browser
from support.report_evaluations import evaluation, everything, malformed_sql, realistic, stale, tail
from support.run_pages import page as run_page

BOTH_THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
NOTEBOOK = """<!doctype html><html lang="en"><head><title>a notebook</title><style>
body {{ background: white; color: black; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #fff; }} }}
</style></head><body><main><h1>a notebook</h1>{cell}</main></body></html>"""


def shown(tab: Browser, file: Path, *, dark: bool = False, width: int = 1280, drawn: bool = True) -> Browser:
    tab.open(file, dark=dark, width=width)
    if drawn:
        tab.evaluate(DRAWN)
    tab.evaluate(OPEN_ALL)
    return tab


def test_nothing_is_found_on_the_report(tab: Browser, tmp_path: Path) -> None:
    """Contrast is in the slow test below, and in ``test_report.py``, which computes it in a moment."""
    page = html.write(evaluation(malformed_sql(), stale(), tail()), tmp_path, title="analyst")
    assert findings(shown(tab, page), without=CONTRAST) == []


@pytest.mark.slow
@BOTH_THEMES
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_found_on_a_report_of_everything(
    tab: Browser, tmp_path: Path, dark: bool, width: int
) -> None:
    page = html.write(everything(), tmp_path, title="analyst")
    assert findings(shown(tab, page, dark=dark, width=width)) == []


@BOTH_THEMES
def test_nothing_is_found_on_the_page_of_a_run(tab: Browser, tmp_path: Path, dark: bool) -> None:
    page = tmp_path / "run.html"
    page.write_text(run_page(), encoding="utf-8")
    assert findings(shown(tab, page, dark=dark, drawn=False)) == []


@BOTH_THEMES
def test_nothing_is_found_on_what_a_notebook_shows(tab: Browser, tmp_path: Path, dark: bool) -> None:
    page = tmp_path / "notebook.html"
    page.write_text(NOTEBOOK.format(cell=notebook.matrix(realistic())), encoding="utf-8")
    assert findings(shown(tab, page, dark=dark, drawn=False)) == []

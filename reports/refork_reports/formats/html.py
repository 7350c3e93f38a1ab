"""Writes ``report.html``, a self-contained file, with ``results.json`` and ``summary.md`` next to it."""

from pathlib import Path
from typing import Final

from markupsafe import Markup
from refork.errors import BadFileError, ReforkError
from refork.storage.files import write_atomically
from refork_evals.results import SuiteResult

from refork_reports import results_json
from refork_reports.formats import markdown as summary_md
from refork_reports.formats.markdown import SUMMARY
from refork_reports.page_templates import environment, page_script, page_style, policy
from refork_reports.results_file.read import RESULTS
from refork_reports.sections import with_sections
from refork_reports.views.report_page import Page, page
from refork_reports.views.trials.page_data import packed

REPORT: Final = "report.html"
TITLE: Final = "Agent evals"
_GITIGNORE: Final = "# A report is made anew by every session.\n*\n"


def render(evaluation: SuiteResult, *, title: str = TITLE) -> str:
    """The page as text, without a reference to anything outside it."""
    style, script = page_style(), page_script()
    made = page(evaluation, title)
    cells = (cell for case in made.cases for cell in case.variants)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            page=made,
            data=packed(cells, _bodies(made) if made.are_bodies_data else {}, made.differences),
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
        )
    )


def _bodies(made: Page) -> dict[str, str]:
    """Return what stands below the heading of each case, by its anchor."""
    template = environment().get_template("case_body.html.j2")
    return {case.anchor: template.render(page=made, case=case) for case in made.cases}


def write(evaluation: SuiteResult, folder: Path, *, title: str = TITLE) -> Path:
    """Write ``report.html``, ``results.json`` and ``summary.md`` into ``folder``, and return the page's path.

    Each is written whole or not at all. Raises ReforkError where the folder cannot be written to.
    """
    evaluation = with_sections(evaluation)
    texts = {
        RESULTS: results_json.dumps(evaluation),
        SUMMARY: summary_md.render(evaluation),
        REPORT: render(evaluation, title=title),
    }
    if not folder.exists():
        texts[".gitignore"] = _GITIGNORE
    try:
        for name, text in texts.items():
            write_atomically(folder / name, text)
    except BadFileError as error:
        raise ReforkError(f"no report in {str(folder)!r}: {error}; name another folder") from error
    return folder / REPORT

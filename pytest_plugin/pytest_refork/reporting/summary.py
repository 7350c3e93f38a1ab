"""Ends a session: prints the section on the terminal, and writes the files of the report."""

import os
from pathlib import Path
from typing import Final

import pytest
from refork.config import Config
from refork.errors import ReforkError
from refork_evals.evaluation.kept_answers.answer_writer import Saved
from refork_evals.results import SuiteResult
from refork_reports.formats.terminal import MARKUP, Line, summary

from pytest_refork._pytest_compat import TerminalReporter, encoding_of
from pytest_refork.reporting.gate import Update
from pytest_refork.reporting.mlflow import MlflowLog

GITHUB: Final = "GITHUB_STEP_SUMMARY"


class Report:
    """The results of a session, which are written once and then shown.

    ``history_problem`` says why the session is not in the history; empty if it is, or if none is kept.
    """

    def __init__(self, evaluation: SuiteResult, folder: Path, update: Update | None, saved: Saved) -> None:
        self._evaluation = evaluation
        self._saved = saved
        self._folder = folder
        self._update = update
        self._page: Path | None = None
        self._problem = ""
        self.history_problem = ""
        self._mlflow: MlflowLog | None = None

    def write(self) -> bool:
        """Write the files, and return whether that succeeded."""
        from refork_reports.formats.html import write  # noqa: PLC0415 - Jinja2, at the very end

        try:
            self._page = write(self._evaluation, self._folder)
            _tell_github(self._page.with_name("summary.md"))
        except (ReforkError, OSError) as error:
            self._problem = str(error)
        return self._page is not None

    def log_to_mlflow(self, project: Config, *, is_complete: bool) -> None:
        """Log what was written to MLflow, if the project names a tracking server."""
        if self._page is not None:
            self._mlflow = MlflowLog(project)
            self._mlflow.upload(self._folder, is_complete=is_complete)

    def show(self, reporter: TerminalReporter) -> None:
        """Print the section: the headline, the rows of the worst cases, what it cost, the report's path."""
        reporter.section("agent evals")
        writer = reporter.config.get_terminal_writer()
        for line in summary(
            self._evaluation,
            width=writer.fullwidth,
            ascii_only=not _takes_unicode(reporter),
            report="" if self._page is None else self._page.name,
        ):
            _print(reporter, line)
        if self._page is not None:
            reporter.write_line(f"report: {_relative(self._page, reporter.config)}")
        for problem in self._saved.problems:
            reporter.write_line(f"answers were not cached: {problem}", red=True)
        if self._saved.answers:
            new = f"{self._saved.answers} new in {self._saved.cases} of the cases' folders"
            reporter.write_line(f"answers: {new}; commit them, and the next run need not pay for them")
        if self._update is not None:
            self._show_update(reporter, self._update)
        if self._problem:
            reporter.write_line(self._problem, red=True)
        if self.history_problem:
            reporter.write_line(f"history: {self.history_problem}", yellow=True)
        if self._mlflow is not None:
            self._show_mlflow(reporter, self._mlflow)

    def _show_mlflow(self, reporter: TerminalReporter, mlflow: MlflowLog) -> None:
        if mlflow.line:
            reporter.write_line(f"mlflow: {mlflow.line}")
        if mlflow.problem:
            reporter.write_line(f"mlflow: {mlflow.problem}", yellow=True)

    def _show_update(self, reporter: TerminalReporter, update: Update) -> None:
        path = _relative(update.path, reporter.config)
        if not update.problems:
            reporter.write_line(f"baseline: {path}, {update.cases} cases", green=True)
            reporter.write_line(f"  {update.measured}", yellow=bool(update.reused))
            return
        reporter.write_line(f"baseline: {path} was not written", red=True)
        for problem in update.problems:
            reporter.write_line(f"  {problem}", red=True)


def _tell_github(summary: Path) -> None:
    """Append the summary to the file that GitHub Actions names, after what other steps wrote to it."""
    file = os.environ.get(GITHUB)
    if file:
        with Path(file).open("a", encoding="utf-8") as page:
            page.write(summary.read_text(encoding="utf-8"))


def _print(reporter: TerminalReporter, line: Line) -> None:
    for segment in line:
        reporter.write(segment.text, **MARKUP[segment.style])
    reporter.write_line("")


def _takes_unicode(reporter: TerminalReporter) -> bool:
    try:
        "✓–⟨␛".encode(encoding_of(reporter))
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _relative(path: Path, config: pytest.Config) -> str:
    shown = os.path.relpath(path, config.invocation_params.dir)
    return str(path) if shown.startswith("..") else shown

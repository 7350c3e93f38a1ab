"""The hooks of a session's end: workers hand their results over; otherwise results are judged, written and shown."""

import time
from collections.abc import Generator, Sequence
from datetime import UTC, datetime

import pytest
from refork.answer_cache import AnswersMode
from refork_evals.agreement.judge_answers import JudgeAnswer, JudgeAnswers
from refork_evals.evaluation.evaluate import evaluation_of
from refork_evals.evaluation.kept_answers.answer_writer import Saved, Unscored, keep
from refork_evals.evaluation.settings import Settings
from refork_evals.results import CaseResult

from pytest_refork._pytest_compat import TerminalReporter
from pytest_refork.collection.hints import nothing_to_collect
from pytest_refork.collection.hooks import CollectionHooks
from pytest_refork.execution.runner import Runner
from pytest_refork.reporting.gate import judge, update
from pytest_refork.reporting.history import SessionHistory
from pytest_refork.reporting.summary import Report
from pytest_refork.xdist import worker_results
from pytest_refork.xdist.controller import Controller


class SessionEnd:
    """Writes the report. ``is_complete`` says whether nothing cut the session short."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        *,
        collected: CollectionHooks,
        runner: Runner,
        controller: Controller,
        judges: JudgeAnswers,
    ) -> None:
        self.is_complete = False
        self._config = config
        self._settings = settings
        self._collected = collected
        self._runner = runner
        self._controller = controller
        self._judges = judges
        self._started_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._from_judges: list[JudgeAnswer] = []
        self._unscored: tuple[Unscored, ...] = ()
        self._report: Report | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        self.is_complete = session.exitstatus not in (
            pytest.ExitCode.INTERRUPTED,
            pytest.ExitCode.INTERNAL_ERROR,
        )
        if worker_results.worker_id(self._config):
            self._hand_over()
            return (yield)
        results = self._results()
        if results:
            self._write(session, results)
        elif self._unscored:
            self._keep(())
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if self._config.get_verbosity() <= -2:
            return
        if self._report is not None:
            self._report.show(terminalreporter)
        elif not self._collected.order and (nothing := nothing_to_collect(self._settings.project)):
            terminalreporter.write_line(nothing)

    def _hand_over(self) -> None:
        handed = worker_results.Handed(
            order=tuple(self._collected.order),
            selection=self._collected.selection,
            results=self._runner.results,
            judged=self._judges.made,
            unscored=self._runner.unscored,
        )
        worker_results.hand_over(self._config, handed)

    def _results(self) -> Sequence[CaseResult]:
        """Return the results of this process, and those of workers, which collected in its place."""
        results, self._unscored = self._runner.results, self._runner.unscored
        for heard in self._controller.heard:
            self._collected.order, self._collected.selection = heard.order, heard.selection
            results += heard.results
            self._from_judges += heard.judged
            self._unscored += heard.unscored
        return worker_results.merged(results, self._collected.order)

    def _write(self, session: pytest.Session, results: Sequence[CaseResult]) -> None:
        seconds = time.monotonic() - self._began
        gate = judge(self._settings, results, self._collected.selection)
        evaluation = evaluation_of(
            tuple(results), self._settings, started_at=self._started_at, seconds=seconds, gate=gate
        )
        # Before anything is written, which would make the checkout differ from its commit.
        history = SessionHistory(self._settings.project, evaluation) if self.is_complete else None
        changed = update(self._settings, results)
        saved = self._keep(results)
        shown = evaluation if history is None else history.with_earlier(evaluation)
        self._report = Report(shown, self._settings.project.report, changed, saved)
        is_written = self._report.write() and not saved.problems
        if history is not None:
            self._report.history_problem = history.append()
        self._report.log_to_mlflow(self._settings.project, is_complete=self.is_complete)
        blocked = (gate is not None and not gate.passes) or (changed is not None and bool(changed.problems))
        if (blocked or not is_written) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _keep(self, results: Sequence[CaseResult]) -> Saved:
        project, judged = self._settings.project, (*self._judges.made, *self._from_judges)
        return keep(
            AnswersMode(project.answers), results, judged, unscored=self._unscored, cases=project.cases
        )

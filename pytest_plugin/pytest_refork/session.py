"""One session of ``pytest --agent-evals``: made when it is asked for, and registered as a plugin itself."""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode, Store, forget_normalizers
from refork.config import project_policy
from refork.errors import ReforkError
from refork.records.variant import CURRENT
from refork.redaction.process_secrets import forget as forget_held
from refork.tool_policy.before_trial import forget_hook
from refork.tool_policy.stubs import check_stubs, forget_stubs
from refork_evals.agreement.judge_answers import JudgeAnswer, JudgeAnswers, keeping
from refork_evals.evaluation.answer_writer import Saved, Unscored, keep
from refork_evals.evaluation.evaluate import evaluation_of
from refork_evals.evaluation.measured_case import Catalogue
from refork_evals.evaluation.settings import Settings
from refork_evals.results import CaseResult
from refork_evals.scorers.registry import forget_scorers

from pytest_refork._pytest_compat import TerminalReporter
from pytest_refork.collection import fixtures
from pytest_refork.collection.case_items import CaseFile, run_once
from pytest_refork.collection.hints import hints, nothing_to_collect
from pytest_refork.collection.marked_functions import FIXTURE, measured_case_of, with_parameters
from pytest_refork.execution.deadlines import Deadlines
from pytest_refork.execution.function_trials import TrialLoop
from pytest_refork.execution.item_outcome import Outcomes, RequestedCell, amend, cell_key
from pytest_refork.execution.runner import Runner, is_skipped
from pytest_refork.execution.signals import gentle_endings
from pytest_refork.option_names import CASE_FILE, MARKER
from pytest_refork.reporting.gate import Selection, check_update, is_everything, judge, update
from pytest_refork.reporting.summary import Report
from pytest_refork.settings import load_settings
from pytest_refork.xdist import shared_answers, worker_results
from pytest_refork.xdist.controller import Controller
from pytest_refork.xdist.worker import Worker, cases_of
from pytest_refork.xdist.worker_channel import Collected, Shared


def open_evals(config: pytest.Config) -> "AgentEvals":
    """Read the configuration; nothing runs before items do. Raises pytest.UsageError."""
    settings = load_settings(config)
    _collect_cases_too(config, settings)
    evals = AgentEvals(config, settings)
    for name, plugin in evals.companions.items():
        config.pluginmanager.register(plugin, name)
    return evals


def _collect_cases_too(config: pytest.Config, settings: Settings) -> None:
    """``testpaths`` was written for other tests: the cases come with ``--agent-evals`` all the same."""
    cases = settings.project.cases
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or not cases.is_dir():
        return
    roots = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    if not any(cases.resolve().is_relative_to(root) for root in roots):
        config.args.append(str(cases))


class AgentEvals:
    """The hooks. What they do stands in the modules that they call."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._catalogue = Catalogue(settings)
        self._shared = Shared.of(config)
        self._deadlines = Deadlines()
        self._stack = ExitStack()
        self._answers = None if self._is_dry else shared_answers.open_answers(config, settings.project)
        self._lines = self._answers.lines if self._answers is not None else ()
        self._complete = False
        store = (
            self._answers.store if self._answers is not None else Store(AnswersMode(settings.project.answers))
        )
        self._runner = Runner(config, settings, store, self._shared, self._deadlines)
        self._controller = Controller(config, self._shared, self._for_workers)
        self._outcomes = Outcomes.of(settings)
        self._selection = Selection()
        self._deselected = 0
        self._started_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._order: list[str] = []
        self._hints: list[str] = []
        self._report: Report | None = None
        self._judges = JudgeAnswers(store)
        self._from_judges: list[JudgeAnswer] = []
        self._unscored: tuple[Unscored, ...] = ()
        self._stack.enter_context(keeping(self._judges))
        if not worker_results.worker_id(config):
            self._stack.enter_context(gentle_endings())

    def _for_workers(self) -> dict[str, str]:
        return self._runner.shared | (
            shared_answers.for_workers(self._answers) if self._answers is not None else {}
        )

    @property
    def companions(self) -> dict[str, object]:
        """Plugins that come and go with this one, by name."""
        always: dict[str, object] = {"refork-fixtures": fixtures, "refork-deadlines": self._deadlines}
        if worker_results.worker_id(self._config):
            return always | {"refork-worker": Worker(self._shared, self._plan_ahead)}
        return always | {"refork-controller": self._controller}

    def pytest_report_header(self) -> Sequence[str]:
        return self._lines

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        # Without its header pytest asks nobody for lines; what is said of money is no decoration.
        if self._config.get_verbosity() == -1:
            self._runner.say(self._lines)

    def close(self) -> None:
        self._runner.close()
        self._stack.close()
        if self._answers is not None:
            self._answers.close(complete=self._complete)
        if not worker_results.worker_id(self._config):
            self._runner.forget_budget()
            self._shared.close()
        for name in self.companions:
            self._config.pluginmanager.unregister(name=name)
        forget_scorers()
        forget_stubs()
        forget_hook()
        forget_normalizers()
        forget_held()

    # Collection.

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CaseFile | None:
        if file_path.name != CASE_FILE or not self._catalogue.claims(file_path):
            return None
        read = self._catalogue.measured_case_of_file
        return CaseFile.from_parent(
            parent, path=file_path, read=read, measure=self._runner.measure, outcomes=self._outcomes
        )

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        mark = metafunc.definition.get_closest_marker(MARKER)
        if mark is None:
            return
        try:
            measured_case = measured_case_of(metafunc, mark, self._catalogue)
        except ReforkError as error:
            said = f"{metafunc.definition.nodeid}: {error}"
            raise pytest.Collector.CollectError(said) from None
        requested = [
            RequestedCell(measured_case=measured_case, variant=variant.name)
            for variant in measured_case.variants
        ]
        metafunc.parametrize(
            FIXTURE, requested, ids=[each.variant for each in requested], indirect=True, scope="function"
        )

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        callspec: Any = getattr(item, "callspec", None)
        if callspec is not None and isinstance(requested := callspec.params.get(FIXTURE), RequestedCell):
            item.stash[cell_key] = with_parameters(requested, callspec.id)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected += sum(cell_key in item.stash for item in items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        requested = [
            item.stash[cell_key] for item in session.items if cell_key in item.stash and not is_skipped(item)
        ]
        families = self._runner.plans.families
        families.current = sum(each.variant == CURRENT for each in requested)
        families.candidates = len(requested) - families.current
        measured_cases = {each.measured_case.name: each.measured_case for each in requested}
        if measured_cases:
            _check_stubs(self._settings)
        self._order = list(measured_cases)
        everything = is_everything(self._config, deselected=self._deselected)
        self._selection = Selection(cases=families.current, complete=everything)
        check_update(self._settings, self._selection)
        self._hints = hints(list(measured_cases.values()), self._runner.plans)
        self._shared.tell(Collected(cases=cases_of(session.items), hints=self._hints))

    def pytest_report_collectionfinish(self) -> list[str]:
        return self._hints if self._config.get_verbosity() > -2 else []

    # Running.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        stopped_by_errors = session.testsfailed and not session.config.option.continue_on_collection_errors
        if stopped_by_errors or self._is_dry:
            return (yield)
        try:
            if not worker_results.worker_id(self._config):
                self._runner.plan_all(getattr(session, "items", []), complete=True)
            return (yield)
        finally:
            self._runner.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if self._runner.is_told_to_stop:
            item.session.shouldstop = "stopped by the controller"
            return True
        requested = item.stash.get(cell_key, None)
        if requested is None or self._is_dry or is_skipped(item):
            return None
        if isinstance(item, pytest.Function):
            TrialLoop(item, requested, self._runner, self._outcomes).run(nextitem)
        else:
            run_once(item, nextitem)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        amend(report, call.excinfo.value if call.excinfo is not None else None)
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._runner.finished(nodeid)

    def _plan_ahead(self, items: Iterable[pytest.Item]) -> None:
        if not self._is_dry:
            self._runner.plan_all(items)

    @property
    def _is_dry(self) -> bool:
        """Whether pytest only tells what it would do."""
        return any(self._config.getoption(name, False) for name in ("collectonly", "setuponly", "setupplan"))

    # The end.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        self._complete = session.exitstatus not in (
            pytest.ExitCode.INTERRUPTED,
            pytest.ExitCode.INTERNAL_ERROR,
        )
        results, self._unscored = self._runner.results, self._runner.unscored
        if worker_results.worker_id(self._config):
            handed = worker_results.Handed(
                order=tuple(self._order),
                selection=self._selection,
                results=results,
                judged=self._judges.made,
                unscored=self._runner.unscored,
            )
            worker_results.hand_over(self._config, handed)
            return (yield)
        for heard in self._controller.heard:
            self._order, self._selection = list(heard.order), heard.selection
            results += heard.results
            self._from_judges += heard.judged
            self._unscored += heard.unscored
        results = worker_results.merged(results, self._order)
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
        elif not self._order and (nothing := nothing_to_collect(self._settings.project)):
            terminalreporter.write_line(nothing)

    def _write(self, session: pytest.Session, results: Sequence[CaseResult]) -> None:
        seconds = time.monotonic() - self._began
        gate = judge(self._settings, results, self._selection)
        evaluation = evaluation_of(
            tuple(results), self._settings, started_at=self._started_at, seconds=seconds, gate=gate
        )
        changed = update(self._settings, results)
        saved = self._keep(results)
        self._report = Report(evaluation, self._settings.project.report, changed, saved)
        is_written = self._report.write() and not saved.problems
        blocked = (gate is not None and not gate.passes) or (changed is not None and bool(changed.problems))
        if (blocked or not is_written) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _keep(self, results: Sequence[CaseResult]) -> Saved:
        project, judged = self._settings.project, (*self._judges.made, *self._from_judges)
        return keep(
            AnswersMode(project.answers), results, judged, unscored=self._unscored, cases=project.cases
        )


def _check_stubs(settings: Settings) -> None:
    try:
        check_stubs(project_policy(settings.project))
    except ReforkError as error:
        raise pytest.UsageError(str(error)) from None

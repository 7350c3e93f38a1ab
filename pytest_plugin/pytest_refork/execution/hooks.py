"""The hooks of pytest's test loop: cases are forked ahead of their items, and items wait for their results."""

from collections.abc import Generator, Iterable

import pytest

from pytest_refork._pytest_compat import runtestprotocol
from pytest_refork.execution.function_trials import TrialLoop
from pytest_refork.execution.runner import Runner, is_skipped
from pytest_refork.item_outcome import Outcomes, cell_key, report_as_expected_failure
from pytest_refork.session_settings import is_dry
from pytest_refork.xdist.worker_results import worker_id


class ExecutionHooks:
    """Runs the items of agent evals. If pytest only shows what it would do, nothing is forked."""

    def __init__(self, config: pytest.Config, *, runner: Runner, outcomes: Outcomes) -> None:
        self._config = config
        self._runner = runner
        self._outcomes = outcomes

    def plan_ahead(self, items: Iterable[pytest.Item]) -> None:
        """Fork the cases of these items and schedule their first trials: called by a worker of pytest-xdist."""
        if not is_dry(self._config):
            self._runner.plan_all(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        stopped_by_errors = session.testsfailed and not session.config.option.continue_on_collection_errors
        if stopped_by_errors or is_dry(self._config):
            return (yield)
        try:
            if not worker_id(self._config):
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
        if requested is None or is_dry(self._config) or is_skipped(item):
            return None
        if isinstance(item, pytest.Function):
            TrialLoop(item, requested, self._runner, self._outcomes).run(nextitem)
        else:
            _run_once(item, nextitem)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        report_as_expected_failure(report, call.excinfo.value if call.excinfo is not None else None)
        return report

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._runner.finished(nodeid)


def _run_once(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run an item as pytest does. A plugin that would run it again finds it done, because a rerun would decide
    nothing else.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

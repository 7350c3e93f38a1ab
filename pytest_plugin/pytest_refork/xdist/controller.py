"""The controller of pytest-xdist: it distributes the items, receives what workers found, and ends them gently."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from pytest_refork._pytest_compat import TerminalReporter
from pytest_refork.xdist import worker_results
from pytest_refork.xdist.worker_channel import Shared
from pytest_refork.xdist.worker_results import Handed


class Controller:
    """Hooks that are called where tests are distributed. Without pytest-xdist none of them does anything."""

    def __init__(self, config: pytest.Config, shared: Shared, given: Callable[[], dict[str, str]]) -> None:
        self._config = config
        self._shared = shared
        self._given = given
        self._session: pytest.Session | None = None
        self._said = False
        self._heard: dict[str, Handed] = {}

    @property
    def heard(self) -> tuple[Handed, ...]:
        """The results that the workers sent, without duplicates."""
        return tuple(self._heard.values())

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput.update(self._shared.given() | self._given())

    @pytest.hookimpl(optionalhook=True, wrapper=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Generator[None, object, object]:
        chosen = yield
        from pytest_refork.xdist import distribution  # noqa: PLC0415 - xdist is there, or nobody would ask

        if not distribution.takes_cases_apart(chosen):
            return chosen
        self._shared.keep_together()
        return distribution.CaseScheduling(config, log, lambda: self._shared.collected.cases)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        reporter = self._reporter
        if self._said or reporter is None or self._config.get_verbosity() <= -2:
            return
        self._said = True
        for hint in self._shared.collected.hints:
            reporter.ensure_newline()
            reporter.write_line(hint)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        # After -x, workers would go on with all that they were sent before.
        if self._session is not None and (self._session.shouldfail or self._session.shouldstop):
            self._shared.stop()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except KeyboardInterrupt:
            self._wait_for_workers()
            raise

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        received = worker_results.received(getattr(node, "workeroutput", {}))
        if received is not None:
            self._heard[node.gateway.id] = received

    def _wait_for_workers(self) -> None:
        """Wait for the workers, because their answers in flight are being paid for. A second Ctrl-C ends the wait."""
        distributed: Any = self._config.pluginmanager.getplugin("dsession")
        if distributed is None or distributed.session_finished or distributed.sched is None:
            return
        self._shared.stop()
        if self._reporter is not None:
            self._reporter.ensure_newline()
            self._reporter.write_line("waiting for the workers' answers in flight, Ctrl-C again to drop them")
            self._reporter.flush()
        distributed.triggershutdown()
        while not distributed.session_finished:
            distributed.loop_once()

    @property
    def _reporter(self) -> TerminalReporter | None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        return reporter if isinstance(reporter, TerminalReporter) else None

"""A marked test function, called once for every trial: fresh function fixtures, one report."""

import copy
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

import pytest
from refork.outcome import Trial
from refork_evals.results import CaseResult, ScoredTrial
from refork_evals.trials import scored_by_test

from pytest_refork.asked import Asked, settle
from pytest_refork.fixtures import trial_key
from pytest_refork.trial import CaseTrial

When = Literal["setup", "call", "teardown"]


class Source(Protocol):
    """Where a loop gets its trials from, and takes its scores to."""

    def trial(self, asked: Asked, number: int) -> Trial | None:
        """Waits for a trial; None where there is none to come."""
        ...

    def given(self, asked: Asked, trial: Trial) -> CaseTrial: ...

    def take(self, asked: Asked, scored: list[ScoredTrial]) -> CaseResult: ...


class TrialLoop:
    """Runs one item. Mirrors pytest's own ``runtestprotocol``, but for the trials inside."""

    def __init__(self, item: pytest.Function, asked: Asked, source: Source) -> None:
        self._item = item
        self._asked = asked
        self._source = source
        self._scored: list[ScoredTrial] = []
        self._failure = ""
        self._broken: pytest.TestReport | None = None
        # With a sibling as the next item, the fixtures of the function end with each trial and no others.
        self._sibling = copy.copy(item)

    def run(self, nextitem: pytest.Item | None) -> None:
        item = self._item
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        began = time.perf_counter()
        self._run_trials()
        if self._broken is None:
            self._log(self._phase("setup", lambda: None)[1])
        elif self._broken.when == "setup":
            self._log(self._broken)
        if self._broken is None or self._broken.when != "setup":
            _, report = self._phase("call", self._settle)
            report.duration = time.perf_counter() - began
            self._log(report)
        self._finish(nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _run_trials(self) -> None:
        for number in range(1, self._asked.subject.trials + 1):
            trial = self._source.trial(self._asked, number)
            if trial is None or self._broken is not None:
                return
            if trial.answer is None:
                self._scored.append(scored_by_test(trial))
            else:
                self._run_trial(trial)

    def _run_trial(self, trial: Trial) -> None:
        item, kept = self._item, len(self._item._report_sections)
        item._initrequest()
        item.stash[trial_key] = self._source.given(self._asked, trial)
        try:
            _, setup = self._phase("setup", lambda: item.ihook.pytest_runtest_setup(item=item))
            if setup.passed:
                self._call(trial)
            else:
                self._break(trial, setup)
            _, teardown = self._phase(
                "teardown", lambda: item.ihook.pytest_runtest_teardown(item=item, nextitem=self._sibling)
            )
        finally:
            _forget_fixtures(item)
        if not teardown.passed:
            self._broken = self._broken or teardown
        elif self._broken is None and self._scored[-1] is not self._first_failing:
            # What other trials printed would bury what the failing one did.
            del item._report_sections[kept:]

    def _call(self, trial: Trial) -> None:
        item = self._item
        call = self._from_call("call", lambda: item.ihook.pytest_runtest_call(item=item))
        error = call.excinfo
        if error is None:
            self._scored.append(scored_by_test(trial, passed=True))
            return
        if isinstance(error.value, pytest.skip.Exception):
            self._scored.append(scored_by_test(trial, error=f"Skipped: {error.value.msg}"))
            return
        said = " ".join(error.exconly().split()).removeprefix("AssertionError: ")
        self._scored.append(scored_by_test(trial, passed=False, reason=said))
        self._failure = self._failure or str(item.repr_failure(error))
        if item.config.getoption("usepdb", False):
            report = item.ihook.pytest_runtest_makereport(item=item, call=call)
            item.ihook.pytest_exception_interact(node=item, call=call, report=report)

    def _break(self, trial: Trial, setup: pytest.TestReport) -> None:
        self._broken = setup
        if setup.failed:
            said = setup.longreprtext.strip().splitlines() or ["setup failed"]
            self._scored.append(scored_by_test(trial, error=f"the setup of the test failed: {said[-1]}"))

    @property
    def _first_failing(self) -> ScoredTrial | None:
        return next((each for each in self._scored if each.passed is not True), None)

    def _settle(self) -> None:
        result = self._source.take(self._asked, self._scored)
        cell = result.cell(self._asked.variant)
        assert cell is not None, "what was taken is in the result"
        settle(self._item, result, cell, self._failure)

    def _finish(self, nextitem: pytest.Item | None) -> None:
        """Tear down whatever the next item does not share."""
        item = self._item
        if self._broken is not None and self._broken.when == "setup" and self._broken.failed:
            self._source.take(self._asked, self._scored)
        if item.session.shouldfail or item.session.shouldstop:
            nextitem = None
        _, report = self._phase(
            "teardown", lambda: item.ihook.pytest_runtest_teardown(item=item, nextitem=nextitem)
        )
        is_worse = self._broken is not None and self._broken.when == "teardown" and report.passed
        self._log(self._broken if is_worse and self._broken is not None else report)
        _forget_fixtures(item)

    def _phase(self, when: When, work: Callable[[], Any]) -> tuple[pytest.CallInfo[Any], pytest.TestReport]:
        call = self._from_call(when, work)
        report: pytest.TestReport = self._item.ihook.pytest_runtest_makereport(item=self._item, call=call)
        return call, report

    def _from_call(self, when: When, work: Callable[[], Any]) -> pytest.CallInfo[Any]:
        reraise: tuple[type[BaseException], ...] = (pytest.exit.Exception,)
        if not self._item.config.getoption("usepdb", False):
            reraise += (KeyboardInterrupt,)
        return pytest.CallInfo.from_call(work, when=when, reraise=reraise)

    def _log(self, report: pytest.TestReport) -> None:
        self._item.ihook.pytest_runtest_logreport(report=report)


def _forget_fixtures(item: Any) -> None:
    """As pytest's own protocol does after every run of an item."""
    item._request = False
    item.funcargs = None

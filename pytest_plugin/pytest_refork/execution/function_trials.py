"""Calls a marked test function once for every trial, with fresh function fixtures and one report."""

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import pytest
from refork.records.outcome import Trial
from refork_evals.results import CaseResult, ScoredTrial
from refork_evals.trials import scored_by_test

from pytest_refork._pytest_compat import forget_fixtures, new_fixtures, printed_by, tear_down_to
from pytest_refork.execution.fixtures import trial_key
from pytest_refork.execution.trial_context import CaseTrial
from pytest_refork.item_outcome import Outcomes, RequestedCell, raise_unless_passed

When = Literal["setup", "call", "teardown"]


class TrialSource(Protocol):
    """Supplies the trials of a loop and receives their scores."""

    def trial(self, requested: RequestedCell, number: int) -> Trial | None:
        """Wait for a trial and return it; None if no more will come."""
        ...

    def is_scheduled(self, requested: RequestedCell, number: int) -> bool: ...

    def schedule_more(self, requested: RequestedCell, scored: Sequence[ScoredTrial]) -> bool:
        """Schedule more trials if these are not enough, and return whether it did."""
        ...

    def given(self, requested: RequestedCell, trial: Trial) -> CaseTrial: ...

    def take(self, requested: RequestedCell, scored: list[ScoredTrial]) -> CaseResult: ...


class TrialLoop:
    """Runs one item. To pytest and its plugins it is one test, set up and torn down once a trial."""

    def __init__(
        self, item: pytest.Function, requested: RequestedCell, source: TrialSource, outcomes: Outcomes
    ) -> None:
        self._item = item
        self._outcomes = outcomes
        self._requested = requested
        self._source = source
        self._number = 0
        self._scored: list[ScoredTrial] = []
        self._failure = ""
        self._printed = 0
        self._broken: pytest.TestReport | None = None
        self._timeout: BaseException | None = None
        # With a sibling as the next item, the fixtures of the function end with each trial and no others.
        self._sibling = copy.copy(item)

    def run(self, nextitem: pytest.Item | None) -> None:
        item = self._item
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        began = time.perf_counter()
        try:
            is_set_up = self._run_trials()
            self._report(time.perf_counter() - began)
            self._tear_down_last(nextitem, is_set_up=is_set_up)
        finally:
            forget_fixtures(item)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _run_trials(self) -> bool:
        """Run all trials. The last one is torn down after the item's report. Returns False if there is none."""
        trial = self._next_answered()
        if trial is None:
            return False
        while True:
            self._printed = len(printed_by(self._item))
            self._run_trial(trial)
            self._keep_what_the_failing_one_printed()
            trial = self._next_answered() if self._broken is None else None
            if trial is None:
                return True
            self._tear_down(self._sibling)
            if self._broken is not None:
                return False

    def _next_answered(self) -> Trial | None:
        """Return the next trial to look at. Trials that could not be measured become errors without a call."""
        while self._has_next():
            self._number += 1
            try:
                trial = self._source.trial(self._requested, self._number)
            except pytest.fail.Exception as error:
                self._timeout = error
                return None
            if trial is None or trial.answer is not None:
                return trial
            self._scored.append(scored_by_test(trial))
        return None

    def _has_next(self) -> bool:
        number = self._number + 1
        return self._source.is_scheduled(self._requested, number) or self._source.schedule_more(
            self._requested, self._scored
        )

    def _run_trial(self, trial: Trial) -> None:
        item = self._item
        new_fixtures(item)
        item.stash[trial_key] = self._source.given(self._requested, trial)
        setup = self._phase("setup", lambda: item.ihook.pytest_runtest_setup(item=item))
        if setup.passed:
            self._scored.append(self._call(trial))
            return
        self._broken = setup
        if setup.failed:
            crash = getattr(setup.longrepr, "reprcrash", None)
            said = setup.longreprtext if crash is None else crash.message
            self._scored.append(scored_by_test(trial, error=f"the setup of the test failed: {said}"))

    def _call(self, trial: Trial) -> ScoredTrial:
        item = self._item
        call = self._from_call("call", lambda: item.ihook.pytest_runtest_call(item=item))
        error = call.excinfo
        if error is None:
            return scored_by_test(trial, passed=True)
        if isinstance(error.value, pytest.skip.Exception):
            return scored_by_test(trial, error=f"Skipped: {error.value.msg}")
        self._failure = self._failure or str(item.repr_failure(error))
        if item.config.getoption("usepdb", False):
            report = item.ihook.pytest_runtest_makereport(item=item, call=call)
            item.ihook.pytest_exception_interact(node=item, call=call, report=report)
        said = " ".join(error.exconly().split()).removeprefix("AssertionError: ")
        return scored_by_test(trial, passed=False, reason=said)

    @property
    def _first_failing(self) -> ScoredTrial | None:
        return next((each for each in self._scored if each.passed is not True), None)

    def _report(self, seconds: float) -> None:
        if self._broken is not None and self._broken.when == "setup":
            self._log(self._broken)
            if self._broken.failed:
                self._source.take(self._requested, self._scored)
            return
        self._log(self._phase("setup", lambda: None))
        report = self._phase("call", self._settle)
        report.duration = seconds
        self._log(report)

    def _settle(self) -> None:
        result = self._source.take(self._requested, self._scored)
        if self._timeout is not None:
            raise self._timeout
        cell = result.cell(self._requested.variant)
        assert cell is not None, "what was taken is in the result"
        raise_unless_passed(self._item, result, cell, self._outcomes, self._failure)

    def _tear_down_last(self, nextitem: pytest.Item | None, *, is_set_up: bool) -> None:
        """Tear down what the next item does not share, as pytest's own protocol does."""
        session = self._item.session
        if session.shouldfail or session.shouldstop:
            nextitem = None
        if is_set_up:
            report = self._tear_down(nextitem)
        else:
            # Its hooks expect a setup before them; only what earlier items left for this one is to go.
            report = self._phase("teardown", lambda: tear_down_to(session, nextitem))
        earlier = self._broken if self._broken is not None and self._broken.when == "teardown" else None
        self._log(earlier or report)

    def _tear_down(self, nextitem: pytest.Item | None) -> pytest.TestReport:
        item = self._item
        report = self._phase(
            "teardown", lambda: item.ihook.pytest_runtest_teardown(item=item, nextitem=nextitem)
        )
        if not report.passed:
            self._broken = self._broken or report
        self._keep_what_the_failing_one_printed()
        return report

    def _keep_what_the_failing_one_printed(self) -> None:
        if self._broken is None and self._scored[-1] is not self._first_failing:
            del printed_by(self._item)[self._printed :]

    def _phase(self, when: When, work: Callable[[], Any]) -> pytest.TestReport:
        call = self._from_call(when, work)
        report: pytest.TestReport = self._item.ihook.pytest_runtest_makereport(item=self._item, call=call)
        return report

    def _from_call(self, when: When, work: Callable[[], Any]) -> pytest.CallInfo[Any]:
        reraise: tuple[type[BaseException], ...] = (pytest.exit.Exception,)
        if not self._item.config.getoption("usepdb", False):
            reraise += (KeyboardInterrupt,)
        return pytest.CallInfo.from_call(work, when=when, reraise=reraise)

    def _log(self, report: pytest.TestReport) -> None:
        self._item.ihook.pytest_runtest_logreport(report=report)

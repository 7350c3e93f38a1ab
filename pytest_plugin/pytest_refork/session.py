"""One session of ``pytest --agent-evals``, created on request and registered as a plugin."""

from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from refork.answer_cache import AnswersMode, Store, forget_normalizers
from refork.redaction.process_secrets import forget as forget_held
from refork.tool_policy.before_trial import forget_hook
from refork.tool_policy.stubs import forget_stubs
from refork_evals.agreement.judge_answers import JudgeAnswers, keeping
from refork_evals.evaluation.settings import Settings
from refork_evals.scorers.registry import forget_scorers

from pytest_refork.collection.hooks import CollectionHooks
from pytest_refork.execution import fixtures
from pytest_refork.execution.deadlines import Deadlines
from pytest_refork.execution.hooks import ExecutionHooks
from pytest_refork.execution.runner import Runner
from pytest_refork.item_outcome import Outcomes
from pytest_refork.session_end import SessionEnd
from pytest_refork.session_settings import is_dry, load_settings
from pytest_refork.signals import gentle_endings
from pytest_refork.xdist import shared_answers
from pytest_refork.xdist.controller import Controller
from pytest_refork.xdist.worker import Worker
from pytest_refork.xdist.worker_channel import Shared
from pytest_refork.xdist.worker_results import worker_id


def open_evals(config: pytest.Config) -> "AgentEvals":
    """Read the configuration; nothing runs before items do. Raises pytest.UsageError."""
    settings = load_settings(config)
    _collect_cases_too(config, settings)
    evals = AgentEvals(config, settings)
    for name, plugin in evals.companions.items():
        config.pluginmanager.register(plugin, name)
    return evals


def _collect_cases_too(config: pytest.Config, settings: Settings) -> None:
    """Collect the cases, too, if ``testpaths`` was written for other tests."""
    cases = settings.project.cases
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or not cases.is_dir():
        return
    roots = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    if not any(cases.resolve().is_relative_to(root) for root in roots):
        config.args.append(str(cases))


class AgentEvals:
    """Creates the parts of a session and the plugins whose hooks pytest calls, and closes them in the end."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._stack = ExitStack()
        self._shared = Shared.of(config)
        self._deadlines = Deadlines()
        self._answers = None if is_dry(config) else shared_answers.open_answers(config, settings.project)
        store = Store(AnswersMode(settings.project.answers)) if self._answers is None else self._answers.store
        self._runner = Runner(config, settings, store, self._shared, self._deadlines)
        self._controller = Controller(config, self._shared, self._for_workers)
        outcomes, judges = Outcomes.of(settings), JudgeAnswers(store)
        self._collection = CollectionHooks(
            config, settings, runner=self._runner, shared=self._shared, outcomes=outcomes
        )
        self._execution = ExecutionHooks(config, runner=self._runner, outcomes=outcomes)
        self._end = SessionEnd(
            config,
            settings,
            collected=self._collection,
            runner=self._runner,
            controller=self._controller,
            judges=judges,
        )
        self._stack.enter_context(keeping(judges))
        if not worker_id(config):
            self._stack.enter_context(gentle_endings())

    @property
    def companions(self) -> dict[str, object]:
        """The plugins that are registered with this one, by name. pytest calls the hooks of the last one
        first.
        """
        only: dict[str, object] = (
            {"refork-worker": Worker(self._shared, self._execution.plan_ahead)}
            if worker_id(self._config)
            else {"refork-controller": self._controller}
        )
        return {
            "refork-fixtures": fixtures,
            "refork-deadlines": self._deadlines,
            **only,
            "refork-collection": self._collection,
            "refork-execution": self._execution,
            "refork-end": self._end,
        }

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
            self._answers.close(complete=self._end.is_complete)
        if not worker_id(self._config):
            self._runner.forget_budget()
            self._shared.close()
        for name in self.companions:
            self._config.pluginmanager.unregister(name=name)
        forget_scorers()
        forget_stubs()
        forget_hook()
        forget_normalizers()
        forget_held()

    @property
    def _lines(self) -> Sequence[str]:
        return () if self._answers is None else self._answers.lines

    def _for_workers(self) -> dict[str, str]:
        answers = {} if self._answers is None else shared_answers.for_workers(self._answers)
        return self._runner.shared | answers

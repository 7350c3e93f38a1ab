"""Opens a session: imports the application into a DBOS of our own, and forks its runs there."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from refork import http_calls
from refork.answer_cache import AnswersMode, Store
from refork.config import Config
from refork.dbos.instance.engine import Engine, open_engine
from refork.dbos.replay.child_calls import seen_child_starts
from refork.dbos.replay.step_watcher import watched_steps
from refork.dbos.replay.workflow_errors import workflows_end
from refork.errors import ApplicationError
from refork.fork.attempts.retry_policy import Retries
from refork.fork.branches.replay_branch import ReplayBranch, ReplayedRun
from refork.fork.case_fork import CaseFork
from refork.fork.clock import recorded_clock
from refork.fork.fork_host import ForkHost
from refork.fork.fork_strategy import strategy_for
from refork.fork.fork_watcher import ForkWatcher
from refork.fork.http_steps.models import with_named
from refork.fork.rule_check import RuleCheck
from refork.fork.trials.concurrency_limit import ConcurrencyLimit
from refork.fork.trials.trial_step import Limits
from refork.frameworks.plain_dbos.adapter import PlainSteps
from refork.frameworks.protocol import Framework
from refork.frameworks.registry import installed
from refork.hosts import newer_line
from refork.records import Case, Run
from refork.records.outcome import Trial
from refork.records.variant import current
from refork.tool_policy import ToolPolicy
from refork.tool_policy.conversation import with_users
from refork.tracing import quiet_tracing
from refork.values import DEFAULT


@contextmanager
def open_session(
    *,
    root: Path,
    modules: Sequence[str],
    setup: str | None = None,
    database: str | None = None,
    slot: str = "",
    concurrency: int = 8,
    replay_timeout: float = 30.0,
    trial_timeout: float = 120.0,
    tail_timeout: float = 600.0,
    attempts: int = 6,
    answers: Store | None = None,
    frozen_clock: bool = False,
    tracing: bool = False,
    policy: ToolPolicy | None = None,
    stubs: Mapping[str, Callable[..., Any]] | None = None,
    models: Sequence[str] = (),
) -> Generator["ForkSession"]:
    """Import the application and be ready to fork its runs.

    ``root`` is the project's folder, and importing ``modules`` registers the workflows. ``setup`` names a
    function, as ``module:function``, that is called once before or after that. ``database`` is the evals database: a
    URL, ``postgres``, or None for the default one, of which there is one for each ``slot``. ``concurrency`` is the most
    model calls in flight, ``attempts`` the most attempts at one of them. Time-outs are in seconds. ``answers`` are the
    cached answers (default: none is used). ``frozen_clock`` shows the application's code the time of the recorded run,
    ``tracing`` leaves its tracing on. ``policy`` says what tools may do, ``stubs`` contains the functions that it
    names, and ``models`` are names or patterns of steps that call a model.

    Raises SessionError, ApplicationError, BadInputError and DatabaseError.
    """
    with ExitStack() as stack:
        frameworks = installed()
        for framework in frameworks:
            stack.enter_context(framework.importable())
        engine, evals = stack.enter_context(
            open_engine(root=root, modules=modules, setup=setup, url=database, slot=slot)
        )
        if not tracing:
            stack.enter_context(quiet_tracing())
        limits = Limits(
            slots=ConcurrencyLimit(concurrency),
            retries=Retries(attempts=attempts),
            answers=answers or Store(AnswersMode.LIVE),
            trial_seconds=trial_timeout,
            tail_seconds=tail_timeout,
            replay_seconds=replay_timeout,
        )
        host = ForkHost(engine, limits, concurrency, policy or ToolPolicy(), stubs or {})
        session = ForkSession(
            engine, frameworks, host, note="; ".join(filter(None, [evals.note, newer_line()])), models=models
        )
        watcher = ForkWatcher(engine, host)
        for framework in frameworks:
            stack.enter_context(framework.intercept(watcher))
        stack.enter_context(watched_steps(watcher))
        stack.enter_context(workflows_end())
        stack.enter_context(seen_child_starts())
        stack.enter_context(http_calls.patched())
        if frozen_clock:
            stack.enter_context(recorded_clock(watcher.moment))
        stack.callback(session.shut)
        yield session


class ForkSession:
    """Forks cases, with one limit of concurrent model calls for all of them. Made by :func:`open_session`.

    ``note`` is a line about the evals database, untested versions, and rules that may match nothing; empty if there is
    nothing to say.
    """

    def __init__(
        self,
        engine: Engine,
        frameworks: Sequence[Framework],
        host: ForkHost,
        *,
        note: str = "",
        models: Sequence[str] = (),
    ) -> None:
        self._note = note
        self._engine = engine
        self._frameworks = frameworks
        self._host = host
        self._models = models
        self._forks: list[CaseFork] = []
        self._rules = RuleCheck(steps=engine.steps(), workflows=engine.workflows())
        self._checked = False

    @property
    def note(self) -> str:
        return "; ".join(filter(None, [self._note, *self._rules.doubts]))

    def check(self, cases: Sequence[Case]) -> None:
        """Refuse rules of the project that cannot apply in any tail of ``cases``, which are all that will be forked.

        Raises BadInputError. Without this call, each fork checks the rules for its own case.
        """
        self._checked = True
        self._rules.check(self._host.policy, [self._named(case) for case in cases])

    def fork(self, case: Case, *, on_trial: Callable[[Trial], None] | None = None) -> CaseFork:
        """Fork a case. Its trials can be scheduled immediately, and run when the replay has reached the fork point.

        ``on_trial`` is called with each trial that ends, from any thread. Continues the fork of a killed session.
        Raises ApplicationError, BadInputError if a rule about tools cannot apply, and ForkError if the fork point is a
        tool that may not act.
        """
        case = self._named(case)
        self._engine.check_workflow(case.run)
        if not self._checked:
            self._rules.check(self._host.policy, [case])
        self._rules.check_case(case)
        strategy = strategy_for(case, self._framework(case.run), self._host)
        fork = CaseFork(case, strategy, on_trial=on_trial)
        self._forks.append(fork)
        if strategy.forks_at_once:
            fork.open(current())
        return fork

    def _named(self, case: Case) -> Case:
        run = with_named(case.run, self._models)
        return replace(case, run=with_users(run, self._host.policy))

    def replay(self, run: Run) -> ReplayedRun:
        """Replay a whole run from its checkpoints, and collect every request on the way. Makes no model call."""
        run = with_named(run, self._models)
        self._engine.check_workflow(run)
        fork_state = self._host.fork_state(run, max((step.number for step in run.steps), default=0) + 1)
        branch = ReplayBranch(run, fork_state, self._framework(run), self._host.policy, models=self._models)
        self._host.start(branch, run)
        branch.over.wait()
        return branch.replay

    def is_todays(self, run: Run) -> bool:
        """Return whether the application still has the DBOS version that made the run."""
        return run.application_version == self._engine.application_version(run.application_name)

    @property
    def answers(self) -> Store:
        return self._host.limits.answers

    def stop(self) -> None:
        """Start no more trials, wait for those in flight, then end every fork."""
        for fork in self._forks:
            fork.stop()
        for fork in self._forks:
            fork.wait()

    def shut(self) -> None:
        """End every fork at once. Answers in flight are lost."""
        self._host.shut()

    def _framework(self, run: Run) -> Framework | None:
        framework = next((each for each in self._frameworks if each.name == run.framework), None)
        if framework is not None:
            framework.register(DEFAULT)
        return framework.of_run(run) if isinstance(framework, PlainSteps) else framework


@contextmanager
def open_project(
    config: Config,
    *,
    slot: str,
    database: str | None = None,
    answers: Store | None = None,
    concurrency: int | None = None,
    stubs: Mapping[str, Callable[..., Any]] | None = None,
) -> Generator[ForkSession]:
    """Open a session with a project's settings. Commands and pytest open their sessions here.

    The arguments are those of :func:`open_session`; ``concurrency`` is the project's if it is None. Raises as
    :func:`open_session` does, and ApplicationError if the project names no application.
    """
    if not config.app:
        raise ApplicationError(f"no application is named: set app under [tool.refork] in {_file(config)}")
    with open_session(
        root=config.root,
        modules=config.app,
        setup=config.setup,
        database=database,
        slot=slot,
        concurrency=concurrency or config.concurrency,
        replay_timeout=config.replay_timeout,
        trial_timeout=config.trial_timeout,
        tail_timeout=config.tail_timeout,
        attempts=config.retries + 1,
        answers=answers,
        frozen_clock=config.frozen_clock,
        tracing=config.tracing,
        models=config.models,
        policy=config.tool_policy,
        stubs=stubs,
    ) as session:
        yield session


def _file(config: Config) -> str:
    return str(config.file) if config.file is not None else f"a pyproject.toml in {str(config.root)!r}"

"""The DBOS instance of a session, which runs nothing but forks that have a plan."""

import threading
import time
import uuid
from collections.abc import Generator, Sequence, Set
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import dbos._dbos as dbos_module
from dbos import DBOS, SetWorkflowID
from dbos._context import get_local_dbos_context
from dbos._sys_db import SystemDatabase
from dbos._utils import GlobalParams

from refork.dbos.application import importing as app
from refork.dbos.application.app_version import application_version
from refork.dbos.evals_database.database import EvalsDatabase, evals_database
from refork.dbos.evals_database.scrubbing import scrub
from refork.dbos.evals_database.seeding import seed
from refork.dbos.instance.daemon_threads import daemon_threads
from refork.dbos.instance.logs import quiet_dbos
from refork.dbos.instance.off_event_loop import run_off_event_loop
from refork.dbos.replay.admission import ForkState
from refork.dbos.replay.guard import Guard
from refork.dbos.serialization.json_serializer import JsonSerializer, pickle_refused
from refork.errors import ApplicationError, SessionError
from refork.production.sqlite_clock import sqlite_clock
from refork.records import Run

APPLICATION: Final = "refork"
VERSION: Final = "refork"
QUEUE: Final = "refork-forks-"
"""The prefix of a session's queue. Forks of a killed session wait on another queue, so nobody starts them."""
POLLING_SECONDS: Final = 0.02
_STEP: Final = "<temp>."
"""The prefix of the workflow that DBOS makes of a step."""


class Engine:
    """The DBOS instance of a running session. Only :func:`open_engine` makes one."""

    def __init__(self, instance: Any, guard: Guard, queue: str) -> None:
        self._dbos = instance
        self._guard = guard
        self._queue = queue
        self._seeding = threading.Lock()
        self._fork_states: WeakKeyDictionary[Any, ForkState] = WeakKeyDictionary()

    @property
    def system_database(self) -> Any:
        return self._dbos._sys_db

    @property
    def parked(self) -> int:
        """The number of forks whose code has ended and whose workflows have not."""
        return self._guard.parked

    def registered(self, workflow: str) -> bool:
        return workflow in self._dbos._registry.workflow_info_map

    def workflows(self) -> tuple[str, ...]:
        """The names of the workflows that the application registered."""
        names = self._dbos._registry.workflow_info_map
        return tuple(sorted(name for name in names if not name.startswith((_STEP, "temp_workflow"))))

    def steps(self) -> tuple[str, ...]:
        """The names of the steps that the application registered. DBOS also makes a workflow of each."""
        names = self._dbos._registry.workflow_info_map
        return tuple(sorted(name.removeprefix(_STEP) for name in names if name.startswith(_STEP)))

    def start(self, run: Run, fork_state: ForkState) -> None:
        """Seed the run, fork it at the state's fork point, and put the fork on the queue."""
        self.check_workflow(run)
        with self._seeding:  # tails of one case start side by side
            source = seed(
                self.system_database,
                run,
                below=fork_state.fork_point,
                application=APPLICATION,
                version=VERSION,
            )
        self._guard.watch(fork_state)
        run_off_event_loop(partial(self._fork, source, fork_state))

    def _fork(self, source: str, fork_state: ForkState) -> None:
        with SetWorkflowID(fork_state.run_id):
            DBOS.fork_workflow(
                source, fork_state.fork_point, application_version=VERSION, queue_name=self._queue
            )

    def resume(self, fork_state: ForkState) -> None:
        """Continue a fork of a killed session, which has a plan again."""
        self._guard.watch(fork_state)
        run_off_event_loop(
            partial(self.system_database.resume_workflows, [fork_state.run_id], queue_name=self._queue)
        )

    def application_version(self, name: str | None) -> str:
        """Return the version that DBOS would give the imported application: a hash of its workflows' source."""
        return application_version(self._dbos._registry, name or "")

    def check_workflow(self, run: Run) -> None:
        """Raise ApplicationError if the application does not have the run's workflow, or the object that it belongs
        to.
        """
        if self.registered(run.workflow):
            self._check_owner(run)
            return
        known = ", ".join(repr(name) for name in self.workflows()) or "none"
        raise ApplicationError(
            f"the application registers no workflow {run.workflow!r} (registered: {known}); "
            f"name the module that does in {app.where_to_name_modules()}"
        )

    def _check_owner(self, run: Run) -> None:
        """Check for what DBOS would miss only after the fork has started, and report only in its log."""
        registry = self._dbos._registry
        instances, classes = registry.instance_info_map, registry.class_info_map
        if run.config_name is not None and f"{run.class_name}/{run.config_name}" not in instances:
            of_class = (name.split("/", 1) for name in instances)
            known = ", ".join(repr(config) for owner, config in of_class if owner == run.class_name) or "none"
            raise ApplicationError(
                f"the run is of the configured instance {run.config_name!r} of {run.class_name!r}, which the "
                f"application does not make while it is imported (made: {known}); make it in a module that "
                "[tool.refork] app names, or in the function that `setup` names"
            )
        if run.config_name is None and run.class_name is not None and run.class_name not in classes:
            raise ApplicationError(
                f"the run is of the class {run.class_name!r}, which the application does not register; "
                f"name the module that does in {app.where_to_name_modules()}"
            )

    def fork_state_here(self) -> ForkState | None:
        """Return the state of the fork that the calling code runs in; None outside of forks."""
        context = get_local_dbos_context()
        if context is None:
            return None
        fork_state = self._guard.fork_state(context.workflow_id)
        if fork_state is not None:
            self._fork_states[context] = fork_state
        # DBOS empties the context of a workflow that ended; what it had started beside itself may go on.
        return fork_state if context.workflow_id else self._fork_states.get(context)

    def next_step(self) -> int:
        """Return the number that the next operation of the calling workflow will get."""
        context = get_local_dbos_context()
        assert context is not None, "called from within a fork"
        return context.function_id + 1

    def within_step(self) -> bool:
        context = get_local_dbos_context()
        return context is not None and not context.is_workflow()

    def stop(self, run_id: str) -> BaseException:
        """Cancel a fork, and return the exception that unwinds its workflow, to be raised there."""
        return self._guard.stop(run_id)


@contextmanager
def open_engine(
    *, root: Path, modules: Sequence[str], setup: str | None = None, url: str | None = None, slot: str = ""
) -> Generator[tuple[Engine, EvalsDatabase]]:
    """Launch a DBOS of our own and import the application into it.

    Raises SessionError where DBOS is launched in this process already, ApplicationError where the application
    does not import, BadInputError and DatabaseError where the database will not do.
    """
    with ExitStack() as stack:
        stack.enter_context(sqlite_clock())
        database = stack.enter_context(evals_database(url, root=root, slot=slot))
        stack.callback(scrub, database)
        stack.enter_context(quiet_dbos(database.folder / f"dbos{f'-{slot}' if slot else ''}.log"))
        stack.enter_context(_no_other_dbos())
        stack.enter_context(pickle_refused())
        instance: Any = DBOS(config=_config(database))
        stack.callback(run_off_event_loop, DBOS.destroy)
        with app.inert_dbos():
            app.import_application(modules, setup, root)
        yield _launch(instance, database, stack), database


def _config(database: EvalsDatabase) -> Any:
    return {
        "name": APPLICATION,
        "system_database_url": database.url,
        "system_database_engine": database.engine,
        "dbos_system_schema": database.schema or "dbos",
        "serializer": JsonSerializer(),
        "executor_id": f"refork-{uuid.uuid4().hex[:12]}",
        "application_version": VERSION,
        "enable_otlp": False,
        "use_listen_notify": False,
        # The listener sleeps this long before it sees that a session is over.
        "notification_listener_polling_interval_sec": 0.2,
    }


def _launch(instance: Any, database: EvalsDatabase, stack: ExitStack) -> Engine:
    registry = instance._registry
    stack.enter_context(_no_pollers(registry))
    current: Any = dbos_module._dbos_global_instance
    if current is not instance:
        raise SessionError(
            "the application replaced DBOS while it was imported; move that out of its modules"
        )
    queue = f"{QUEUE}{uuid.uuid4().hex[:12]}"
    registry._register_internal_queue(queue, polling_interval_sec=POLLING_SECONDS)
    instance.listen_queues([queue])
    with daemon_threads(), _guarded_from_birth(queue) as guards:
        run_off_event_loop(DBOS.launch)
    if instance._sys_db.engine.url != database.engine.url:
        raise SessionError(f"DBOS runs on {instance._sys_db.engine.url!r}, which is not the evals database")
    return Engine(instance, guards[0], queue)


@contextmanager
def _guarded_from_birth(queue: str) -> Generator[list[Guard]]:
    """Install the guard on the system database during the launch, before DBOS's threads use it.

    It is never taken off again: a workflow that hangs may wake up after the session.
    """
    guards: list[Guard] = []
    create = SystemDatabase.create

    def guarded(*args: Any, **rest: Any) -> Any:
        system_database = create(*args, **rest)
        guards.append(Guard(system_database, queue=queue))
        guards[-1].install()
        return system_database

    SystemDatabase.create = staticmethod(guarded)  # type: ignore[method-assign]
    try:
        yield guards
    finally:
        SystemDatabase.create = staticmethod(create)  # type: ignore[method-assign]


@contextmanager
def _no_pollers(registry: Any) -> Generator[None]:
    """Keep Kafka consumers and schedules from starting, whatever the application registers and when."""
    waiting = registry.pollers, registry.kafka_registrations, registry.internal_queue_map
    registry.pollers, registry.kafka_registrations, registry.internal_queue_map = [], [], {}

    def register_later(stop: Any, poller: Any, *args: Any, **kwargs: Any) -> None:
        waiting[0].append((stop, poller, args, kwargs))

    registry.register_poller = register_later
    try:
        yield
    finally:
        del registry.register_poller
        registry.pollers, registry.kafka_registrations, registry.internal_queue_map = waiting


@contextmanager
def _no_other_dbos() -> Generator[None]:
    """Hide a DBOS instance that was constructed but not launched, and restore it at the end."""
    other: Any = dbos_module._dbos_global_instance
    if other is not None and other._launched:
        raise SessionError(
            "DBOS is already launched in this process; an evaluation needs its own: "
            "launch yours in a fixture of the tests that use it, or run them apart from --agent-evals"
        )
    registry = dbos_module._get_or_create_dbos_registry()
    registered = registry.dbos
    dbos_module._dbos_global_instance = None
    parameters = {name: getattr(GlobalParams, name) for name in ("app_name", "app_version", "executor_id")}
    try:
        yield
    finally:
        for name, value in parameters.items():
            setattr(GlobalParams, name, value)
        dbos_module._dbos_global_instance = other
        registry.dbos = registered


def wait_until_idle(engine: Engine, *, seconds: float, but: Set[str] = frozenset()) -> None:
    """Wait until no workflow except ``but`` is active, so that closing DBOS cuts nothing short."""
    deadline = time.monotonic() + seconds
    active = engine._dbos._active_workflows_set
    while (set(active.activeList()) - but or engine.parked) and time.monotonic() < deadline:
        time.sleep(0.02)

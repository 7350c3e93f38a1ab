"""Whatever an application does when it is imported, a session runs nothing of it, and not on its database."""

import contextlib
import hashlib
import sys
import textwrap
import threading
import time
import types
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import dbos._dbos as dbos_module
import pytest
from dbos import DBOS, SetWorkflowID
from refork.errors import ApplicationError, SessionError
from refork.fork import ForkSession, open_session
from refork.production.sqlite_clock import sqlite_clock
from refork.records import Run, Step
from support.apps import helpdesk as desk

WORKFLOW = """
    @DBOS.step()
    def step_of_{name}() -> str:
        write("step ran")
        return "live"

    @DBOS.workflow()
    def flow_of_{name}() -> str:
        return step_of_{name}()
"""


@pytest.fixture(autouse=True)
def no_call_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")


@pytest.fixture
def application(tmp_path: Path, ledger: Path) -> Generator[Callable[..., Any]]:
    """Make a module of source, and open a session that imports it."""
    names: list[str] = []

    def opened(source: str, **options: Any) -> Any:
        name = f"app_{tmp_path.name.replace('-', '_')}"
        names.append(name)
        code = textwrap.dedent(
            "from dbos import DBOS\nfrom support.apps.helpdesk import write\n"
            + textwrap.dedent(source)
            + textwrap.dedent(WORKFLOW.format(name=name))
        )
        (tmp_path / f"{name}.py").write_text(code)
        return open_session(root=tmp_path, modules=(name,), **options)

    path = list(sys.path)
    yield opened
    sys.path[:] = path
    for name in names:
        sys.modules.pop(name, None)


def recorded(tmp_path: Path) -> Run:
    """A run of the module's workflow, with another output than the live one."""
    name = f"app_{tmp_path.name.replace('-', '_')}"
    step = Step(number=1, name=f"step_of_{name}", output="recorded")
    return Run(id="run-1", workflow=f"flow_of_{name}", status="SUCCESS", steps=(step,))


def assert_replays(session: ForkSession, run: Run) -> None:
    assert session.replay(run).problem is None
    assert not desk.ledger_file().exists()


def test_an_application_that_constructs_and_launches_dbos_leaves_its_database_untouched(
    application: Callable[..., Any], tmp_path: Path
) -> None:
    production = tmp_path / "production.sqlite"
    production.write_bytes(b"")
    before = _digest(production)
    source = f"""
        DBOS(config={{"name": "shop", "system_database_url": "sqlite:///{production}"}})
        DBOS.launch()
        jobs = DBOS.register_queue("jobs", worker_concurrency=2)
        assert jobs.name == "jobs"
    """
    with application(source) as session:
        assert_replays(session, recorded(tmp_path))
        engine = session._engine.system_database.engine
        assert "production" not in str(engine.url)
    assert _digest(production) == before
    assert sorted(path.name for path in tmp_path.glob("production*")) == ["production.sqlite"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_application_that_registers_consumers_schedules_and_queues_starts_none_of_them(
    application: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        from datetime import datetime
        import threading
        from dbos._dbos import _get_or_create_dbos_registry

        @DBOS.workflow()
        def every_second(scheduled: datetime, context: object) -> None:
            write("schedule ran")

        @DBOS.kafka_consumer({"bootstrap.servers": "127.0.0.1:9", "group.id": "g"}, ["topic"])
        @DBOS.workflow()
        def on_message(message: object) -> None:
            write("consumer ran")

        def poll(*args: object) -> None:
            write("poller ran")

        _get_or_create_dbos_registry().register_poller(threading.Event(), poll, 1, 2)
        schedule = {"schedule_name": "s", "workflow_fn": every_second, "schedule": "* * * * * *"}
        DBOS.apply_schedules([schedule])
        DBOS.create_schedule(**schedule)
        DBOS.register_queue("jobs")
    """
    kafka: Any = types.ModuleType("confluent_kafka")
    kafka.Consumer = kafka.KafkaError = kafka.KafkaException = RuntimeError
    monkeypatch.setitem(sys.modules, "confluent_kafka", kafka)
    registry = dbos_module._get_or_create_dbos_registry()
    before = list(registry.pollers), list(registry.kafka_registrations)
    threads = set(threading.enumerate())
    with application(source) as session:
        assert_replays(session, recorded(tmp_path))
        time.sleep(1.2)
        started = {thread.name for thread in set(threading.enumerate()) - threads}
        queues = {name for name in started if name.startswith("queue-worker-")}
        assert {name.removeprefix("queue-worker-")[:11] for name in queues} == {"refork-fork", "_dbos_inter"}
        assert not [name for name in started if "kafka" in name]
        assert not desk.ledger_file().exists()
        # Modules that are imported when a workflow runs may register more.
        registry.register_poller(threading.Event(), desk.write, "late poller ran")
    assert not desk.ledger_file().exists()
    assert len(registry.pollers) == len(before[0]) + 3
    assert registry.pollers[-1][1:] == (desk.write, ("late poller ran",), {})
    registry.pollers, registry.kafka_registrations = before


@pytest.mark.slow
def test_a_schedule_that_is_in_the_database_nevertheless_starts_nothing(
    application: Callable[..., Any], tmp_path: Path
) -> None:
    source = """
        from datetime import datetime

        @DBOS.workflow()
        def each_second(scheduled: datetime, context: object) -> None:
            write("schedule ran")
    """
    with application(source) as session:
        module = sys.modules[f"app_{tmp_path.name.replace('-', '_')}"]
        with contextlib.suppress(Exception):
            DBOS.create_schedule(
                schedule_name="planted", workflow_fn=module.each_second, schedule="* * * * * *"
            )
        time.sleep(2.2)
        assert_replays(session, recorded(tmp_path))
        assert [each.workflow_id for each in DBOS.list_workflows(name="each_second")] == []
    assert not desk.ledger_file().exists()


def test_the_setup_function_is_called_before_dbos_is_launched_and_launches_nothing(
    application: Callable[..., Any], tmp_path: Path
) -> None:
    name = f"app_{tmp_path.name.replace('-', '_')}"
    source = """
        def setup() -> None:
            DBOS.launch()
            DBOS.create_schedule(schedule_name="s", workflow_fn=print, schedule="* * * * * *")
            write("setup ran")
    """
    with application(source, setup=f"{name}:setup") as session:
        assert desk.ledger_file().read_text() == "setup ran\n"
        desk.ledger_file().unlink()
        assert_replays(session, recorded(tmp_path))


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("{name}:absent", "has no attribute 'absent'"),
        ("nowhere:setup", "No module named 'nowhere'"),
        ("{name}:breaks", "LookupError: no client"),
    ],
)
def test_a_setup_that_fails_is_named(
    setup: str, message: str, application: Callable[..., Any], tmp_path: Path
) -> None:
    target = setup.format(name=f"app_{tmp_path.name.replace('-', '_')}")
    source = """
        def breaks() -> None:
            raise LookupError("no client")
    """
    with pytest.raises(ApplicationError) as raised, application(source, setup=target):
        pass
    assert str(raised.value).startswith(f"[tool.refork] setup = {target!r}")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module", "does not import: ModuleNotFoundError: No module named 'no_such_module' ("),
        ("1 / 0", "does not import: ZeroDivisionError: division by zero ("),
        ("def broken(:", "does not import: SyntaxError"),
        ("raise SystemExit(3)", "does not import: SystemExit: 3 ("),
    ],
)
def test_a_module_that_does_not_import_is_named_with_the_line_that_broke(
    source: str, message: str, application: Callable[..., Any]
) -> None:
    with pytest.raises(ApplicationError) as raised, application(source):
        pass
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ApplicationError, match=r"app = 'absent.agent': there is no module 'absent' to import"),
        open_session(root=tmp_path, modules=("absent.agent",)),
    ):
        pass


@pytest.fixture
def clock() -> Generator[None]:
    """For a DBOS of the test's own on SQLite, which may lack one."""
    with sqlite_clock():
        yield


@pytest.mark.usefixtures("clock")
def test_an_instance_that_is_not_launched_is_set_aside_and_can_be_used_afterwards(
    application: Callable[..., Any], tmp_path: Path
) -> None:
    theirs = DBOS(
        config={
            "name": "theirs",
            "system_database_url": f"sqlite:///{tmp_path / 'theirs.sqlite'}",
            "enable_otlp": False,
            "executor_id": "theirs",
            "notification_listener_polling_interval_sec": 0.05,
        }
    )
    try:
        with application("") as session:
            assert_replays(session, recorded(tmp_path))
        assert dbos_module._dbos_global_instance is theirs
        DBOS.launch()
        with SetWorkflowID("mine"):
            assert desk.child_sync("afterwards") == "noted child afterwards"
        status = DBOS.get_workflow_status("mine")
        assert status is not None
        assert (status.status, status.executor_id) == ("SUCCESS", "theirs")
    finally:
        DBOS.destroy()


@pytest.mark.usefixtures("clock")
def test_a_dbos_that_is_launched_already_is_refused(tmp_path: Path) -> None:
    DBOS(
        config={
            "name": "theirs",
            "system_database_url": f"sqlite:///{tmp_path / 'theirs.sqlite'}",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 0.05,
        }
    )
    DBOS.launch()
    try:
        with (
            pytest.raises(SessionError, match="DBOS is already launched in this process"),
            open_session(root=tmp_path, modules=()),
        ):
            pass
        assert desk.child_sync("still running") == "noted child still running"
    finally:
        DBOS.destroy()


def test_a_session_leaves_nothing_in_the_process(application: Callable[..., Any], tmp_path: Path) -> None:
    import agents.run_internal.model_retry as sdk_retry
    import agents.run_internal.run_loop as sdk_loop
    from dbos._sys_db import SystemDatabase
    from dbos._utils import GlobalParams
    from dbos_openai_agents import runner

    def state() -> list[Any]:
        return [
            runner.Runner,
            runner.DBOSModelWrapper.get_response,
            runner._create_tool_wrapper,
            sdk_retry._await_model_attempt,
            sdk_loop.get_model,
            SystemDatabase.create,
            vars(dbos_module)["ThreadPoolExecutor"],
            dbos_module._dbos_global_instance,
            dbos_module._get_or_create_dbos_registry().dbos,
            DBOS.launch,
            DBOS.apply_schedules,
            GlobalParams.executor_id,
            GlobalParams.app_version,
            dict(dbos_module._get_or_create_dbos_registry().internal_queue_map).keys()
            - {"_dbos_internal_queue"},
        ]

    before = state()
    with application("") as session:
        assert_replays(session, recorded(tmp_path))
        assert state() != before
    assert state() == before


def test_a_database_of_dbos_that_ours_is_not_launched_on_is_refused(
    application: Callable[..., Any], tmp_path: Path
) -> None:
    """An application that destroys our instance and makes its own gets no session."""
    source = f"""
        import dbos._dbos as internals
        internals._dbos_global_instance = None
        DBOS(config={{"name": "shop", "system_database_url": "sqlite:///{tmp_path / "production.sqlite"}"}})
    """
    with pytest.raises(SessionError, match="the application replaced DBOS"), application(source):
        pass
    assert not (tmp_path / "production.sqlite").exists()


def test_the_guard_stands_before_dbos_starts_its_threads(
    application: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed session left must not be taken up in the moment between the launch and the guard."""
    guarded: list[bool] = []
    queue_thread = dbos_module.queue_thread  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateImportUsage]

    def watched(stop: threading.Event, instance: Any) -> None:
        guarded.append("start_queued_workflows" in vars(instance._sys_db))
        queue_thread(stop, instance)

    monkeypatch.setattr(dbos_module, "queue_thread", watched)
    with application("") as session:
        assert_replays(session, recorded(tmp_path))
    assert guarded == [True]

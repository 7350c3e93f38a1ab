"""Every internal of DBOS and of the SDK that the engine touches: a failure says what changed and where to look.

They run with every version that is supported; what came later says with which version.
"""

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import agents
import agents.models.openai_provider as sdk_provider
import agents.run_internal.model_retry as sdk_retry
import agents.run_internal.run_loop as sdk_loop
import dbos._core as core
import dbos._dbos as dbos_module
import dbos._event_loop as dbos_event_loop
import dbos._serialization as serialization
import dbos._workflow_commands as commands
import pytest
import sqlalchemy as sa
from agents.agent import AgentBase
from agents.models._retry_runtime import (
    provider_managed_retries_disabled,
    should_disable_provider_managed_retries,
)
from agents.run import AgentRunner
from agents.tracing import get_trace_provider
from dbos import DBOS, AsyncSQLAlchemyDatasource, SQLAlchemyDatasource
from dbos._context import DBOSContext, get_local_dbos_context
from dbos._error import (
    DBOSAwaitedWorkflowCancelledError,
    DBOSMaxStepRetriesExceeded,
    DBOSWorkflowCancelledError,
)
from dbos._queue import _INTERNAL_QUEUE_CONSTRUCTION, queue_thread
from dbos._schemas.system_database import SystemSchema
from dbos._sys_db import SystemDatabase
from dbos._sys_db_sqlite import SQLiteSystemDatabase
from dbos._utils import GlobalParams
from dbos_openai_agents import runner
from refork.dbos.application.importing import INERT
from refork.dbos.evals_database.seeding import _seed_child, _status_row, _step_row
from refork.dbos.replay.guard import GUARDED, Guard
from refork.dbos.replay.transactions import BODIES
from refork.frameworks.openai_agents.calls import MODEL_STEP
from refork.frameworks.openai_agents.sessions import _Copy
from refork.hosts.library import release
from refork.records import Run, Step


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def has(distribution: str, since: str) -> bool:
    """Whether the installed version is one that has what came with ``since``."""
    return release(version(distribution)) >= release(since)


GUARDED_PARAMETERS = {
    "check_operation_execution": ["workflow_id", "function_id", "function_name"],
    "_check_operation_execution_txn": ["workflow_id", "function_id", "function_name", "conn"],
    "patch": ["workflow_id", "function_id", "patch_name"],
    "deprecate_patch": ["workflow_id", "function_id", "patch_name"],
    "get_checkpoint_name": ["workflow_id", "function_id"],
    "await_workflow_result": ["workflow_id", "polling_interval", "fail_if_missing"],
    "await_workflow_result_async": ["workflow_id", "polling_interval", "fail_if_missing"],
    "update_workflow_outcome": ["workflow_id", "status", "output", "error"],
    "start_queued_workflows": ["queue", "executor_id", "app_version", "queue_partition_key"],
    "init_workflow": ["status"],
    "init_workflows": ["statuses"],
    "init_child_workflow": ["status"],
    "get_queue": ["name"],
}


GUARDED_SINCE = {"init_child_workflow": "3.1"}


@pytest.mark.parametrize("name", [name for name in GUARDED if has("dbos", GUARDED_SINCE.get(name, "3.0"))])
def test_the_guarded_methods_accept_the_arguments_that_the_guard_passes(name: str) -> None:
    found = parameters(getattr(SystemDatabase, name))
    expected = GUARDED_PARAMETERS[name]
    assert found[: len(expected)] == expected, (
        f"look at Guard._{name.lstrip('_')} in refork/dbos/replay/guard.py"
    )
    assert callable(getattr(Guard, f"_{name.lstrip('_')}"))
    assert inspect.iscoroutinefunction(getattr(SystemDatabase, name)) == name.endswith("_async")


RECORDS_WITHOUT_ASKING = {
    "_insert_operation_result_from_fork",
    "_record_operation_error",
    "_record_operation_result_txn",
    "call_coroutine_as_step",
    "call_function_as_step",
    "call_txn_as_step",
    "fork_workflow",
    "init_child_workflow",
    "insert_operation_result",
    "patch",
    "record_get_result",
    "record_operation_result",
    "recv_consume",
    "get_event_consume",
    "record_sleep",
    "rewind_workflow",
    "send_bulk",
    "_send_bulk_txn",
    "set_event_from_workflow",
    "write_stream_from_workflow",
    "close_stream_from_workflow",
}


def test_no_method_of_the_system_database_records_steps_in_a_way_that_is_unknown() -> None:
    """A new way to record a step may be a way past the guard."""
    source = {
        name: inspect.getsource(inspect.unwrap(method))
        for name, method in inspect.getmembers(SystemDatabase, inspect.isfunction)
    }
    writers = {
        name
        for name, text in source.items()
        if "insert(self.tables.operation_outputs)" in text
        or "_record_operation_result_txn(" in text
        or "record_operation_result(" in text
    }
    unknown = writers - RECORDS_WITHOUT_ASKING
    assert not unknown, f"make sure that refork/dbos/replay/guard.py stands in front of {sorted(unknown)}"


SEEDED = {
    "workflow_status": _status_row(Run(id="r", workflow="w", status="SUCCESS"), "r", 1)
    | {"application_name": "a", "application_version": "v"},
    "operation_outputs": _step_row(Step(number=1, name="s"), "r", 1) | {"application_name": "a"},
    "workflow_input": {"workflow_uuid": "r", "inputs": "", "retention_timestamp": 1},
    "workflow_output": {"workflow_uuid": "r", "output": "", "error": "", "retention_timestamp": 1},
}


@pytest.mark.parametrize("name", SEEDED)
def test_seeding_writes_every_column_that_must_be_written_and_none_that_is_not_there(name: str) -> None:
    table: sa.Table = getattr(SystemSchema, name)
    columns = {column.name for column in table.columns}
    needed = {
        column.name
        for column in table.columns
        if not column.nullable
        and column.default is None
        and column.server_default is None
        and column.autoincrement is not True
    }
    assert set(SEEDED[name]) <= columns, (
        f"{name} lost a column that refork/dbos/evals_database/seeding.py writes"
    )
    assert needed <= set(SEEDED[name]), (
        f"{name} has a new column that refork/dbos/evals_database/seeding.py must write"
    )


STATUS_COLUMNS = {
    "workflow_uuid", "status", "name", "authenticated_user", "assumed_role", "authenticated_roles", "output",
    "error", "executor_id", "created_at", "updated_at", "application_version", "application_id", "class_name",
    "config_name", "recovery_attempts", "queue_name", "workflow_timeout_ms", "workflow_deadline_epoch_ms",
    "started_at_epoch_ms", "deduplication_id", "inputs", "priority", "queue_partition_key", "forked_from",
    "parent_workflow_id", "serialization", "delay_until_epoch_ms", "debounce_deadline_epoch_ms", "is_debounced",
    "attributes", "application_name", "was_forked_from", "rate_limited", "completed_at", "schedule_name",
    "owner_xid", "creator_xid",
}  # fmt: skip
STATUS_COLUMNS_SINCE = {"creator_xid": "3.2"}


def test_the_table_of_workflows_has_the_columns_that_were_looked_at() -> None:
    found = {column.name for column in SystemSchema.workflow_status.columns}
    known = {name for name in STATUS_COLUMNS if has("dbos", STATUS_COLUMNS_SINCE.get(name, "3.0"))}
    assert found == known, "look at refork/dbos/evals_database/seeding.py and refork/dbos/reader/queries.py"
    assert callable(_seed_child)


@pytest.mark.parametrize("name", INERT)
def test_the_calls_that_must_do_nothing_at_import_exist(name: str) -> None:
    assert name in DBOS.__dict__, (
        f"DBOS.{name} is gone: look at INERT in refork/dbos/application/importing.py"
    )


def test_every_way_to_start_something_at_import_is_known() -> None:
    """A new method of DBOS may start what an evaluation must not start."""
    starters = {
        name
        for name in vars(DBOS)
        if name.startswith(("launch", "apply_", "create_", "register_", "listen_", "destroy"))
    }
    known = {*INERT, *(f"{name}_async" for name in INERT), "create_schedule_async", "register_instance"}
    assert starters - known <= {"create_application_version"}, (
        "look at INERT in refork/dbos/application/importing.py"
    )


def test_a_session_can_set_dbos_up_and_take_it_down() -> None:
    where = "look at refork/dbos/instance/engine.py"
    assert hasattr(dbos_module, "_dbos_global_instance"), where
    assert vars(dbos_module)["ThreadPoolExecutor"] is ThreadPoolExecutor, (
        "look at refork/dbos/instance/daemon_threads.py"
    )
    assert "ThreadPoolExecutor(" in inspect.getsource(DBOS._launch), (
        "look at refork/dbos/instance/daemon_threads.py"
    )
    assert "SystemDatabase.create(" in inspect.getsource(DBOS._launch), where
    assert isinstance(inspect.getattr_static(SystemDatabase, "create"), staticmethod), where
    assert {"app_name", "app_version", "executor_id"} <= set(vars(GlobalParams)), where
    registry = dbos_module._get_or_create_dbos_registry()
    for name in ("pollers", "kafka_registrations", "internal_queue_map", "workflow_info_map", "dbos"):
        assert hasattr(registry, name), f"registry.{name}: {where}"
    assert parameters(registry.register_poller)[:2] == ["evt", "func"], where
    assert parameters(registry._register_internal_queue) == ["name", "limits"], where
    assert "internal_queues()" in inspect.getsource(queue_thread), where
    assert _INTERNAL_QUEUE_CONSTRUCTION is not None
    assert "activeList" in vars(core.ActiveWorkflowById), where
    assert "submit_coroutine" in vars(dbos_event_loop.BackgroundEventLoop), where


def test_forks_are_made_resumed_and_cancelled_as_the_engine_does_it() -> None:
    assert {"queue_name", "application_version"} <= set(parameters(DBOS.fork_workflow))
    assert parameters(SQLiteSystemDatabase.cancel_workflows)[0] == "workflow_ids"
    assert parameters(SQLiteSystemDatabase.resume_workflows) == ["workflow_ids", "queue_name"]
    assert parameters(SQLiteSystemDatabase.delete_workflows)[0] == "workflow_ids"


def test_a_cancelled_workflow_unwinds_past_every_except_exception() -> None:
    assert not issubclass(DBOSWorkflowCancelledError, Exception), (
        "look at Guard.stop in refork/dbos/replay/guard.py"
    )
    assert issubclass(DBOSAwaitedWorkflowCancelledError, Exception), "look at refork/dbos/instance/logs.py"
    assert hasattr(DBOSMaxStepRetriesExceeded("step", 2, [ValueError()]), "errors"), (
        "look at refork/fork/attempts/retry_policy.py"
    )


def test_the_context_of_a_workflow_says_where_it_is() -> None:
    context, where = (
        DBOSContext(),
        "look at Engine in refork/dbos/instance/engine.py and Guard in refork/dbos/replay/guard.py",
    )
    for name in ("workflow_id", "function_id", "parent_workflow_id", "parent_workflow_fid"):
        assert hasattr(context, name), f"{name}: {where}"
    for name in ("is_workflow", "is_step", "has_parent", "snapshot_step_ctx"):
        assert callable(getattr(context, name)), f"{name}: {where}"
    assert get_local_dbos_context() is None


def test_the_number_of_a_step_is_drawn_before_the_step_runs() -> None:
    where = "look at refork/dbos/replay/reservations.py"
    if has("dbos", "3.4"):
        assert parameters(DBOS.reserve_step) == [], where
        assert "step_id" in dir(dbos_module.StepReservation), where
        assert parameters(dbos_module.StepReservation.run_async)[:2] == ["dbos_step_options", "func"], where
        return
    taken = parameters(core.invoke_step)
    assert taken[:5] == ["dbos", "step_ctx", "func", "args", "kwargs"], where
    options = {"step_name", "retries_allowed", "interval_seconds", "max_attempts", "backoff_rate"}
    assert options <= set(taken), where


def test_pickled_rows_come_through_the_one_function_that_is_refused() -> None:
    where = "look at pickle_refused in refork/dbos/serialization/json_serializer.py"
    assert isinstance(serialization.DBOSDefaultSerializer, serialization.DefaultSerializer), where
    for function in (
        serialization.deserialize_value,
        serialization.deserialize_exception,
        serialization.deserialize_args,
    ):
        text = inspect.getsource(function)
        assert "pickle.loads" not in text, where
    assert inspect.getsource(serialization).count("pickle.loads(") == 1, where


@pytest.mark.parametrize(
    "run", [SQLAlchemyDatasource.run_tx_step, AsyncSQLAlchemyDatasource.run_tx_step_async]
)
def test_a_transaction_is_a_step_around_the_function_and_its_arguments(run: Any) -> None:
    bodies = [code for code in run.__code__.co_consts if getattr(code, "co_name", "") == "_body"]
    assert [f"{run.__qualname__}.<locals>.{body.co_name}" for body in bodies] == [
        name for name in BODIES if name.startswith(f"{run.__qualname__}.")
    ]
    assert {"func", "args", "kwargs"} <= set(bodies[0].co_freevars)


@pytest.mark.skipif(not has("dbos", "3.2"), reason="checkpoints of datasources are deleted since dbos 3.2")
def test_a_workflow_tidies_its_datasources_up_through_what_is_replaced() -> None:
    assert parameters(commands.delete_completed_datasource_checkpoints) == ["dbos", "ctx"]
    assert parameters(commands.delete_completed_datasource_checkpoints_async) == ["dbos", "ctx"]
    source = inspect.getsource(core._dropping_datasource_checkpoints)
    assert "commands.delete_completed_datasource_checkpoints(dbos, ctx)" in source
    assert "commands.delete_completed_datasource_checkpoints_async(dbos, ctx)" in source


def test_the_model_call_of_the_runner_is_where_the_framework_looks_for_it() -> None:
    where = "look at refork/frameworks/openai_agents/hooks.py and calls.py"
    assert MODEL_STEP == "_model_call_step", where
    assert inspect.iscoroutinefunction(runner.DBOSModelWrapper.get_response), where
    client: Any = None
    model = agents.OpenAIChatCompletionsModel("m", client)
    assert "model" in vars(runner.DBOSModelWrapper(model, runner._State())), where
    assert parameters(agents.Model.get_response) == [
        "system_instructions", "input", "model_settings", "tools", "output_schema", "handoffs", "tracing",
        "previous_response_id", "conversation_id", "prompt",
    ], where  # fmt: skip
    assert {"run", "run_sync"} <= set(vars(agents.Runner)), where
    assert "Runner" in vars(runner), where
    assert parameters(runner._create_tool_wrapper) == ["state", "tool"], where
    assert list(runner.Turnstile(["a", "b"]).events) == ["a", "b"], where


def test_the_sdk_calls_models_through_what_the_framework_replaces() -> None:
    where = "look at refork/frameworks/openai_agents/hooks.py and calls.py"
    source = inspect.getsource(sdk_loop)
    assert source.count("model = get_model(execution_agent, run_config)") == 2, where
    assert parameters(sdk_loop.get_model) == ["agent", "run_config"], where
    if has("openai-agents", "0.22"):
        assert parameters(sdk_retry._await_model_attempt)[:2] == ["awaitable", "timeout"], where
        assert "_await_model_attempt(get_response(), timeout)" in inspect.getsource(sdk_retry), where
    assert "http_client=shared_http_client()" in inspect.getsource(sdk_provider), where
    with provider_managed_retries_disabled(True):
        assert should_disable_provider_managed_retries(), where
    assert "call_model_input_filter" in {
        field.name for field in agents.RunConfig.__dataclass_fields__.values()
    }, where
    provider: Any = get_trace_provider()
    assert hasattr(provider, "_manual_disabled"), where
    assert callable(provider._refresh_disabled_flag), where


def test_the_sdk_finds_tools_and_sessions_through_what_the_framework_replaces() -> None:
    where = "look at refork/frameworks/openai_agents/tool_order.py and sessions.py"
    assert parameters(AgentBase.get_all_tools) == ["run_context"], where
    assert "get_all_tools" not in vars(agents.Agent), where
    assert {"_is_agent_tool", "_tool_origin"} <= set(agents.FunctionTool.__dataclass_fields__), where
    assert parameters(AgentRunner.run) == ["starting_agent", "input", "kwargs"], where
    body = AgentRunner._run_impl if has("openai-agents", "0.21") else AgentRunner.run
    assert 'kwargs.get("session")' in inspect.getsource(body), where
    assert {"get_items", "add_items", "pop_item", "clear_session"} <= set(dir(_Copy)), where
    methods = {name for name in vars(agents.Session) if not name.startswith("_")}
    assert methods - {"session_id", "session_settings"} <= set(dir(_Copy)), where

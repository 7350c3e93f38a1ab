"""What Refork relies on in DBOS. A failure here means that DBOS has changed, and the reading must follow."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient, WorkflowStatusString
from dbos._schemas.system_database import SystemSchema
from dbos._serialization import DBOSDefaultSerializer, DBOSPortableJSON
from dbos._sys_db import workflow_is_active
from refork.dbos.reader.reader import Reader
from refork.dbos.reader.recordings import ACTIVE, STATUSES
from refork.dbos.reader.tables import READ_COLUMNS
from refork.dbos.reader.values import PICKLE, PORTABLE


@pytest.fixture(scope="module")
def client(shop_sqlite: Path) -> Generator[DBOSClient]:
    client = DBOSClient(system_database_url=f"sqlite:///{shop_sqlite}")
    yield client
    client.destroy()


def test_the_statuses_are_dbos_s() -> None:
    assert set(STATUSES) == {status.value for status in WorkflowStatusString}
    assert {status for status in STATUSES if workflow_is_active(status)} == ACTIVE


def test_the_serializers_go_by_the_names_that_are_read() -> None:
    assert DBOSDefaultSerializer.name() == PICKLE
    assert DBOSPortableJSON.name() == PORTABLE


@pytest.mark.parametrize("table", READ_COLUMNS)
def test_every_column_that_is_read_is_one_of_dbos_s(table: str) -> None:
    defined: Any = getattr(SystemSchema, table)
    assert set(READ_COLUMNS[table]) <= set(defined.columns.keys())


def test_portable_arguments_and_errors_have_the_keys_that_are_read() -> None:
    from dbos._serialization import (
        WorkflowSerializationFormat,
        exception_to_workflow_error_data,
        serialize_args,
    )

    text, name = serialize_args((1,), {"a": 2}, WorkflowSerializationFormat.PORTABLE, DBOSDefaultSerializer)
    assert name == PORTABLE
    assert json.loads(text) == {"positionalArgs": [1], "namedArgs": {"a": 2}}
    error = exception_to_workflow_error_data(ValueError("no"))
    assert (error.get("name"), error.get("message")) == ("ValueError", "no")


def test_dbos_s_own_client_tells_the_same_of_every_run(client: DBOSClient, shop_sqlite: Path) -> None:
    theirs = {status.workflow_id: status for status in client.list_workflows()}
    with Reader(f"sqlite:///{shop_sqlite}") as reader:
        ours = {run.id: run for run in reader.runs(limit=None)}
        assert ours.keys() == theirs.keys()
        for run_id, status in theirs.items():
            assert (ours[run_id].workflow, ours[run_id].status) == (status.name, status.status)
            run = reader.fetch(run_id).decode().run
            steps = client.list_workflow_steps(run_id)
            assert [(s.number, s.name, s.child_run) for s in run.steps] == [
                (s["function_id"], s["function_name"], s["child_workflow_id"]) for s in steps
            ]
            assert [s.error is not None for s in run.steps] == [s["error"] is not None for s in steps]

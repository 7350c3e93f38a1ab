"""Reading the runs of a production database, SQLite and Postgres alike."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from refork.dbos.reader.reader import Reader
from refork.dbos.reader.recordings import Recording
from refork.errors import BadInputError, RunNotFoundError, ValueNotPortableError
from refork.records import RecordedError, StepKind
from refork.records.usage import Usage
from sqlalchemy.exc import DBAPIError

HOSTILE = "no \x1b[31mcup\x1b[0m [bold]left[/bold]\nsecond line"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("shop_sqlite")
        return f"sqlite:///{path}"
    postgres: str = request.getfixturevalue("shop_postgres")
    return postgres


@pytest.fixture
def reader(url: str) -> Generator[Reader]:
    with Reader(url) as reader:
        yield reader


def recording(reader: Reader, run: str) -> Recording:
    return reader.fetch(run).decode()


def test_runs_come_newest_first_with_steps_tokens_and_error(reader: Reader) -> None:
    runs = {run.id: run for run in reader.runs()}
    moments = [run.created_at for run in reader.runs() if run.created_at is not None]
    assert moments == sorted(moments, reverse=True)
    assert set(runs) == {
        "quote-1",
        "inventory-1",
        "inventory-1-1",
        "inventory-1-3",
        "order-1",
        "report-1",
        "waiting-1",
    }
    assert runs["report-1"].steps == 5
    assert runs["report-1"].usage == Usage(calls=3, input_tokens=500, cached_tokens=100, output_tokens=30)
    assert runs["quote-1"].usage is None
    assert runs["waiting-1"].status == "ENQUEUED"
    assert runs["order-1"].error == RecordedError(type="shop.OutOfStockError", message=HOSTILE)
    created = runs["report-1"].created_at
    assert created is not None
    assert abs(datetime.now(tz=UTC) - created) < timedelta(hours=1)


def test_runs_can_be_narrowed_down(reader: Reader) -> None:
    def ids(**filters: object) -> list[str]:
        return [run.id for run in reader.runs(**filters)]  # type: ignore[arg-type]

    assert ids(status=["error"]) == ["order-1"]
    assert ids(status=["Error", "enqueued"]) in (["order-1", "waiting-1"], ["waiting-1", "order-1"])
    assert ids(workflow="report") == ["report-1"]
    assert ids(workflow="nothing") == []
    assert len(ids(limit=2)) == 2
    assert ids(since=datetime.now(tz=UTC) + timedelta(hours=1)) == []
    assert len(ids(since=datetime.now(tz=UTC) - timedelta(hours=1))) == 7


def test_a_status_that_dbos_does_not_have_names_the_nearest(reader: Reader) -> None:
    with pytest.raises(BadInputError, match=r"--status 'erorr' .*did you mean 'ERROR'\?"):
        reader.runs(status=["erorr"])


def test_a_run_of_agents_tells_models_tools_usage_and_answers(reader: Reader) -> None:
    run = reader.run("report-1")
    assert (run.workflow, run.status, run.framework) == ("report", "SUCCESS", "openai-agents")
    assert (run.application_name, run.application_version) == ("shop", "v7")
    assert run.args == ("How were sales?",)
    assert run.output == "Revenue rose by 12%.\nMore."
    assert [(step.number, step.kind, step.tool) for step in run.steps] == [
        (1, StepKind.MODEL, None),
        (2, StepKind.TOOL, "run_sql"),
        (3, StepKind.TOOL, "run_sql"),
        (4, StepKind.MODEL, None),
        (5, StepKind.MODEL, None),
    ]
    first, query, last = run.steps[0], run.steps[1], run.steps[4]
    assert first.answer is not None
    assert [call.arguments for call in first.answer.tool_calls] == [
        {"query": "SELECT 1"},
        {"query": "SELECT 2"},
    ]
    assert query.output == "rows of SELECT 1"
    assert query.seconds is not None
    assert last.answer is not None
    assert last.answer.text == "Revenue rose by 12%.\nMore."
    assert last.usage == Usage(calls=1, input_tokens=300, cached_tokens=100, output_tokens=10)


def test_a_step_that_raised_has_the_error_and_no_output(reader: Reader) -> None:
    (step,) = recording(reader, "order-1").run.steps
    assert step.output is None
    assert step.error == RecordedError(type="shop.OutOfStockError", message=HOSTILE)


def test_child_runs_and_their_results_are_steps_of_their_parent(reader: Reader) -> None:
    run = reader.run("inventory-1")
    assert run.args == (["cup", "pot"],)
    assert [(step.name, step.child_run, step.output) for step in run.steps] == [
        ("stock", "inventory-1-1", None),
        ("DBOS.getResult", "inventory-1-1", 3),
        ("stock", "inventory-1-3", None),
        ("DBOS.getResult", "inventory-1-3", 3),
    ]


def test_values_keep_their_python_types(reader: Reader) -> None:
    (step,) = reader.run("inventory-1-1").steps
    assert step.output == {"item": "cup", "stock": 3, "tags": {"$type": "tuple", "value": ["new", "blue"]}}


def test_a_value_whose_module_is_missing_is_reported(reader: Reader) -> None:
    found = recording(reader, "quote-1")
    assert found.run.kwargs == {"count": 3}
    assert [problem.step for problem in found.problems] == [2]
    assert found.problems[0].message.startswith("step 2 ('price'): its output needs the module 'shop'")
    with pytest.raises(ValueNotPortableError, match=r"step 2 \('price'\).*'shop'"):
        reader.run("quote-1")


def test_the_only_run_that_begins_so_is_found(reader: Reader) -> None:
    assert recording(reader, "rep").run.id == "report-1"
    assert recording(reader, "inventory-1").run.id == "inventory-1"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "inventory-1-",
            r"'inventory-1-' begins 2 ids \('inventory-1-\d', 'inventory-1-\d' ...\): write more",
        ),
        ("reprot-1", "no run 'reprot-1'; the nearest is 'report-1'"),
        ("REPORT", "no run 'REPORT'"),
        ("%", "no run '%'"),
        ("", "no run ''"),
    ],
)
def test_an_id_that_fits_none_or_several_is_refused(reader: Reader, wanted: str, message: str) -> None:
    with pytest.raises(RunNotFoundError, match=message):
        reader.fetch(wanted)


def test_a_reader_cannot_write(reader: Reader) -> None:
    update = sa.text(f"UPDATE {'dbos.' if _is_postgres(reader) else ''}workflow_status SET name = 'changed'")
    with pytest.raises(DBAPIError, match=r"read-?only"):
        reader._connection.execute(update)
    reader._connection.rollback()


def test_all_is_read_in_one_read_only_transaction(shop_postgres: str) -> None:
    with Reader(shop_postgres) as reader:
        started = reader._connection.scalar(sa.text("SELECT pg_catalog.now()"))
        reader.runs()
        reader.fetch("report-1")
        assert reader._connection.scalar(sa.text("SELECT pg_catalog.now()")) == started
        assert reader._connection.scalar(sa.text("SHOW transaction_read_only")) == "on"
        assert reader._connection.scalar(sa.text("SHOW transaction_isolation")) == "repeatable read"


def _is_postgres(reader: Reader) -> bool:
    return reader._connection.dialect.name == "postgresql"

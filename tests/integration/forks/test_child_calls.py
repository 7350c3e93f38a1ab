"""What a child workflow is started with is seen where DBOS asks for its checkpoint, however it is started."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from refork.dbos.replay.child_calls import Arguments, arguments_here, seen_child_starts
from refork.production.sqlite_clock import sqlite_clock


@DBOS.workflow()
def converted(currency: str, *, rate: float = 1.0) -> str:
    return f"{currency} {rate}"


@DBOS.workflow()
async def converted_async(currency: str, *, rate: float = 1.0) -> str:
    return f"{currency} {rate}"


@DBOS.workflow()
def calls_child() -> str:
    return converted("CHF", rate=2.0)


@DBOS.workflow()
def starts_child() -> str:
    return DBOS.start_workflow(converted, "CHF", rate=2.0).get_result()


@DBOS.workflow()
async def calls_child_async() -> str:
    return await converted_async("CHF", rate=2.0)


@DBOS.workflow()
async def starts_child_async() -> str:
    handle = await DBOS.start_workflow_async(converted_async, "CHF", rate=2.0)
    return await handle.get_result()


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Arguments | None]]:
    """The arguments at every question about a child's checkpoint."""
    found: list[Arguments | None] = []
    with sqlite_clock(), seen_child_starts():
        url = f"sqlite:///{tmp_path / 'own.sqlite'}"
        launched: Any = DBOS(config={"name": "children", "system_database_url": url, "log_level": "CRITICAL"})
        DBOS.launch()
        original = launched._sys_db.check_operation_execution

        def check(workflow_id: str, function_id: int, function_name: str, **rest: Any) -> Any:
            if function_name.startswith("converted"):
                found.append(arguments_here())
            return original(workflow_id, function_id, function_name, **rest)

        monkeypatch.setattr(launched._sys_db, "check_operation_execution", check)
        yield found
        DBOS.destroy()


@pytest.mark.parametrize(
    "workflow",
    [calls_child, starts_child, calls_child_async, starts_child_async],
    ids=lambda each: each.__name__,
)
def test_the_arguments_of_a_child_are_seen(workflow: Any, seen: list[Arguments | None]) -> None:
    assert DBOS.start_workflow(workflow).get_result() == "CHF 2.0"
    assert seen == [(("CHF",), {"rate": 2.0})]


def test_elsewhere_nothing_is_seen() -> None:
    assert arguments_here() is None

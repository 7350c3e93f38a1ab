"""A transaction of a datasource is a step like any other: refused at the fork point, and after it under the policy."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dbos._dbos as dbos_module
import pytest
import sqlalchemy as sa
from dbos import SQLAlchemyDatasource
from dbos_openai_agents import DBOSRunner
from refork.records import Run, Step
from refork.records.outcome import ForkStatus
from refork.tool_policy import ToolPolicy
from refork.tool_policy.rule_files import project_rules
from sqlalchemy import event
from support.apps import helpdesk as desk
from support.forks import case_of, fresh_session, measure, text_of
from support.model_server import ModelServer


class Shop:
    """A database of the application's, with a transaction, and what was sent to it since it was made."""

    def __init__(self, folder: Path) -> None:
        self.engine = sa.create_engine(f"sqlite:///{folder / 'own.sqlite'}")
        with self.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE orders (item TEXT)"))
        self.source = SQLAlchemyDatasource.create(str(self.engine.url), engine=self.engine)
        self.statements: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.statements.append(statement)

    def order(self, item: str) -> str:
        def insert(item: str, amount: int = 1) -> str:
            self.source.sql_session().execute(sa.text("INSERT INTO orders VALUES (:item)"), {"item": item})
            return f"{amount} {item}"

        return self.source.run_tx_step({"name": "insert"}, insert, item)

    @property
    def orders(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.text("SELECT item FROM orders")))

    @property
    def kept(self) -> int:
        with self.engine.connect() as connection:
            return connection.scalar(sa.text("SELECT count(*) FROM datasource_outputs")) or 0


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # What DBOS itself leaves behind when it is destroyed; a datasource is made before DBOS is launched.
    monkeypatch.setattr(dbos_module._get_or_create_dbos_registry(), "dbos", None)
    made = Shop(tmp_path)
    yield made
    made.engine.dispose()


def test_a_transaction_at_the_fork_point_is_stale_and_has_no_effect(
    runs: dict[str, Run], server: ModelServer, ledger: Path, shop: Shop
) -> None:
    def body(plot: str) -> Any:
        shop.order("cup")
        return DBOSRunner.run_sync(desk.clerk, plot).final_output

    desk.plots["run_sync"] = body
    with fresh_session() as session:
        outcome = measure(session, case_of(runs["run_sync"], 1), 2)
    assert outcome.status is ForkStatus.STALE
    assert "the code reached 'insert' there" in outcome.reason
    assert shop.orders == []
    assert server.count == 0


def bought(runs: dict[str, Run]) -> Run:
    """A run that called the model, and then ordered a cup."""
    run = runs["run_sync"]
    answer = replace(run.steps[-1], number=1)
    cup = Step(number=2, name="insert", arguments={"item": "cup"}, output="1 cup")
    return replace(run, steps=(answer, cup))


@pytest.mark.usefixtures("server", "ledger")
@pytest.mark.parametrize(
    ("item", "allowed", "said", "orders"),
    [
        ("cup", None, "1 cup", []),
        ("pot", None, 'insert({"item":"pot"}) was not recorded; the nearest', []),
        ("pot", "live", "1 pot", ["pot"]),
        ("cup", "deny", 'insert({"item":"cup"}) is denied', []),
    ],
)
def test_a_transaction_in_a_tail_goes_by_its_arguments(
    runs: dict[str, Run], shop: Shop, item: str, *, allowed: str | None, said: str, orders: list[str]
) -> None:
    def body(_plot: str) -> Any:
        DBOSRunner.run_sync(desk.clerk, "one_call")
        return shop.order(item)

    desk.plots["run_sync"] = body
    policy = ToolPolicy(rules=project_rules({"insert": allowed} if allowed else {}))
    with fresh_session(policy=policy) as session:
        outcome = measure(session, case_of(bought(runs), 1, scope="tail"))
    (trial,) = outcome.trials
    assert said in (trial.error.message if trial.error else text_of(trial))
    sent = list(shop.statements)
    assert shop.orders == orders
    assert bool(sent) is bool(orders)
    assert shop.kept == 0


@pytest.mark.usefixtures("server", "ledger")
def test_a_replay_notes_the_arguments_of_a_transaction_and_sends_nothing(
    runs: dict[str, Run], shop: Shop
) -> None:
    def body(_plot: str) -> Any:
        DBOSRunner.run_sync(desk.clerk, "one_call")
        return shop.order("mug")

    desk.plots["run_sync"] = body
    with fresh_session() as session:
        replayed = session.replay(bought(runs))
    assert replayed.problem is None
    assert replayed.run.steps[1].arguments == {"item": "mug"}
    assert shop.statements == []

"""A transaction of a datasource is a step like any other: refused at the fork point."""

from pathlib import Path
from typing import Any

import dbos._dbos as dbos_module
import pytest
import sqlalchemy as sa
from dbos import SQLAlchemyDatasource
from dbos_openai_agents import DBOSRunner
from refork.case import Run
from refork.outcome import ForkStatus
from support.apps import helpdesk as desk
from support.forks import case_of, fresh_session, measure
from support.model_server import ModelServer


def test_a_transaction_at_the_fork_point_is_stale_and_has_no_effect(
    runs: dict[str, Run], server: ModelServer, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What DBOS itself leaves behind when it is destroyed; a datasource is made before DBOS is launched.
    monkeypatch.setattr(dbos_module._get_or_create_dbos_registry(), "dbos", None)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'own.sqlite'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (item TEXT)"))
    source = SQLAlchemyDatasource.create(str(engine.url), engine=engine)

    def insert() -> None:
        source.sql_session().execute(sa.text("INSERT INTO orders VALUES ('cup')"))

    def body(plot: str) -> Any:
        source.run_tx_step({"name": "insert"}, insert)
        return DBOSRunner.run_sync(desk.clerk, plot).final_output

    desk.plots["run_sync"] = body
    with fresh_session() as session:
        outcome = measure(session, case_of(runs["run_sync"], 1), 2)
    assert outcome.status is ForkStatus.STALE
    assert "the code reached 'insert' there" in outcome.reason
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM orders")) == 0
    engine.dispose()
    assert server.count == 0

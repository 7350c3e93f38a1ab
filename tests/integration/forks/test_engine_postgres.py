"""Forks on Postgres: in a schema of their own, held by one session."""

import pytest
import sqlalchemy as sa
from refork.dbos.evals_database.database import evals_database
from refork.dbos.servers.throwaway_postgres import throwaway_postgres
from refork.records import Run
from refork.records.outcome import ForkStatus
from sqlalchemy.exc import OperationalError
from support.forks import CAREFUL, case_of, fresh_session, measure
from support.model_server import ModelServer
from support.prepared import TESTS
from support.sampled import sampled


@pytest.mark.parametrize(
    "name",
    sampled(
        ["a_handoff_before", "children_before", "messages_events_and_sleep_before", "run_sync"],
        quick=["a_handoff_before"],
    ),
)
def test_a_case_is_forked_on_postgres(
    name: str, runs: dict[str, Run], server: ModelServer, postgres_url: str, ledger: object
) -> None:
    with fresh_session(database=postgres_url) as session:
        outcome = measure(session, case_of(runs[name]), 6, CAREFUL)
        assert (outcome.status, outcome.reason) == (ForkStatus.MEASURED, "")
    assert server.count == 12
    schemas = _schemas(postgres_url)
    assert [schema for schema in schemas if schema.startswith("refork_")] != []
    assert "dbos" not in schemas


def _schemas(url: str) -> list[str]:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        return sa.inspect(engine).get_schema_names()
    finally:
        engine.dispose()


def test_two_sessions_on_one_server_take_two_schemas(postgres_url: str) -> None:
    with (
        evals_database(postgres_url, root=TESTS) as first,
        evals_database(postgres_url, root=TESTS) as second,
    ):
        assert first.schema != second.schema
    with evals_database(postgres_url, root=TESTS) as third:
        assert third.schema == first.schema


@pytest.mark.slow
def test_a_throw_away_server_is_started_and_stopped() -> None:
    with throwaway_postgres() as url:
        assert "public" in _schemas(url)
    with pytest.raises(OperationalError):
        _schemas(url)

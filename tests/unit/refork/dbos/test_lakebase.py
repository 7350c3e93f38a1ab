"""Databricks Lakebase: tokens for passwords. The SDK and the Postgres are real, the workspace is a stand-in."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from databricks.sdk import WorkspaceClient
from refork.cli import main
from refork.databricks import lakebase_engine
from refork.dbos.instance.engine import open_engine
from refork.dbos.reader.reader import Reader
from refork.dbos.servers import lakebase
from refork.errors import BadInputError, DatabaseError, ReforkError
from support.databricks_stand_in import ACCESS, ADA, CLIENT, ENDPOINT, INSTANCE, SECRET, DatabricksStandIn
from support.production import write_runs
from support.tls_postgres import TlsPostgres

BOTH = pytest.mark.parametrize("endpoint", [INSTANCE, ENDPOINT], ids=["instance", "project"])
CREDENTIALS = {
    INSTANCE: "POST /api/2.0/database/credentials",
    ENDPOINT: "POST /api/2.0/postgres/credentials",
}


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("PG", "DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def workspace(
    tls_server: TlsPostgres, tls_shop: str, monkeypatch: pytest.MonkeyPatch
) -> Generator[DatabricksStandIn]:
    """A workspace that Ada is logged in to, with the runs of ``shop`` in its Lakebase."""
    with tls_server.role(tls_shop, password="never this one", name=ADA), DatabricksStandIn(tls_server) as api:
        monkeypatch.setenv("DATABRICKS_HOST", api.url)
        monkeypatch.setenv("DATABRICKS_TOKEN", ACCESS)
        yield api


@pytest.fixture
def url(workspace: DatabricksStandIn, tls_shop: str) -> Callable[[str], str]:
    """The URL of ``shop`` behind an endpoint. The port is not Lakebase's own."""
    return lambda endpoint: f"lakebase://{endpoint}/{tls_shop}?port={workspace.postgres.port}"


def ids(url: str) -> set[str]:
    with Reader(url) as opened:
        return {run.id for run in opened.runs(limit=None)}


def refusal(url: str) -> str:
    with pytest.raises(ReforkError) as found, Reader(url):
        pass
    message = str(found.value)
    assert "\n" not in message
    assert message.startswith("--db: ")
    return message


def who(connection: sa.Connection) -> str:
    return str(connection.exec_driver_sql("SELECT current_user").scalar())


def can_log_in(workspace: DatabricksStandIn, token: str) -> bool:
    port, user = workspace.postgres.port, ADA
    try:
        psycopg.connect(host="localhost", port=port, user=user, password=token, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def cut_all(workspace: DatabricksStandIn) -> None:
    """What a compute that scales to zero does to the connections of its users."""
    workspace.postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}", ADA
    )


def cut_after_the_first_run(workspace: DatabricksStandIn, owner: str) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(owner, autocommit=True) as connection:
        while time.monotonic() < deadline:
            try:
                done = connection.execute("SELECT 1 FROM dbos.workflow_status WHERE status = 'SUCCESS'")
            except psycopg.errors.UndefinedTable:
                time.sleep(0.05)
                continue
            if done.fetchone():
                workspace.expire()
                cut_all(workspace)
                return
            time.sleep(0.005)
    raise AssertionError("no run succeeded")


@BOTH
def test_the_runs_are_read_with_a_token_over_tls(
    workspace: DatabricksStandIn, url: Callable[[str], str], endpoint: str
) -> None:
    assert "report-1" in ids(url(endpoint))
    assert workspace.asked[CREDENTIALS[endpoint]] == 1


def test_the_command_line_takes_it_as_any_database(
    workspace: DatabricksStandIn, url: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--db", url(INSTANCE), "--schema", "dbos"]) == 0
    captured = capsys.readouterr()
    assert "report-1" in captured.out
    assert captured.err == ""


def test_another_token_ends_the_one_before(workspace: DatabricksStandIn, url: Callable[[str], str]) -> None:
    ids(url(INSTANCE))
    ids(url(INSTANCE))
    first, second = workspace.tokens
    assert (can_log_in(workspace, first), can_log_in(workspace, second)) == (False, True)


@pytest.mark.slow
@BOTH
def test_a_token_that_expires_in_the_middle_of_a_capture_goes_unnoticed(
    workspace: DatabricksStandIn, url: Callable[[str], str], endpoint: str
) -> None:
    workspace.lifetime = timedelta(seconds=2)
    with Reader(url(endpoint)) as opened:
        runs = [run.id for run in opened.runs(limit=None)]
        opened.fetch(runs[0]).decode()
        time.sleep(2.1)
        assert not can_log_in(workspace, workspace.tokens[-1])
        for run in runs:
            opened.fetch(run).decode()
        assert "report-1" in ids(url(endpoint))


def test_a_pool_opens_its_connections_with_the_token_it_has(
    workspace: DatabricksStandIn, tls_shop: str
) -> None:
    engine = engine_of(workspace, tls_shop, pool_size=4)
    with engine.connect() as one, engine.connect() as other:
        assert (who(one), who(other)) == (ADA, ADA)
    engine.dispose()
    with engine.connect() as again:
        assert who(again) == ADA
    assert len(workspace.tokens) == 1
    engine.dispose()


@pytest.mark.slow
def test_a_pool_makes_a_new_token_shortly_before_the_old_one_expires(
    workspace: DatabricksStandIn, tls_shop: str
) -> None:
    workspace.lifetime = lakebase.MARGIN + timedelta(seconds=2)
    engine = engine_of(workspace, tls_shop)
    with engine.connect() as first, engine.connect() as second:
        assert (who(first), who(second), len(workspace.tokens)) == (ADA, ADA, 1)
        time.sleep(2)
        with engine.connect() as third:
            assert (who(third), len(workspace.tokens)) == (ADA, 2)
    engine.dispose()


def test_a_pool_survives_cut_connections_and_a_withdrawn_token(
    workspace: DatabricksStandIn, tls_shop: str
) -> None:
    engine = engine_of(workspace, tls_shop)
    with engine.connect() as connection:
        who(connection)
    workspace.expire()
    cut_all(workspace)
    assert not can_log_in(workspace, workspace.tokens[-1])
    with engine.connect() as connection:
        assert who(connection) == ADA
    assert len(workspace.tokens) == 2
    engine.dispose()


def test_threads_whose_token_was_withdrawn_share_the_next_one(
    workspace: DatabricksStandIn, tls_shop: str
) -> None:
    engine = engine_of(workspace, tls_shop, pool_size=8)
    with engine.connect():
        workspace.expire()

        def ask(_: int) -> str:
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT pg_sleep(0.2)")
                return who(connection)

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(8))) == {ADA}
    assert len(workspace.tokens) == 2
    engine.dispose()


@pytest.mark.slow
def test_dbos_continues_when_its_token_and_its_connections_end_in_the_middle(
    workspace: DatabricksStandIn, tls_server: TlsPostgres, tmp_path: Path
) -> None:
    with tls_server.database() as name, ThreadPoolExecutor(1) as threads:
        place = f"lakebase://{ENDPOINT}/{name}?port={tls_server.port}"
        cut = threads.submit(cut_after_the_first_run, workspace, tls_server.owner_url(name))
        write_runs(place, tmp_path)
        cut.result()
        assert len(workspace.tokens) > 1
        assert "report-1" in ids(place)


def test_the_evals_database_may_be_one_of_lakebase(
    workspace: DatabricksStandIn, tls_server: TlsPostgres, tmp_path: Path
) -> None:
    with tls_server.database() as name:
        place = f"lakebase://{INSTANCE}/{name}?port={tls_server.port}"
        with open_engine(root=tmp_path, modules=[], url=place) as (_, database):
            workspace.expire()
            with ExitStack() as several:
                for _ in range(5):
                    assert who(several.enter_context(database.engine.connect())) == ADA
            assert len(workspace.tokens) == 2
            assert not [token for token in workspace.tokens if token in repr(database)]


def test_tls_is_required_unless_something_else_is_asked_for(
    workspace: DatabricksStandIn, url: Callable[[str], str], tls_server: TlsPostgres
) -> None:
    with Reader(url(INSTANCE)) as opened:
        raw: Any = opened._connection.connection.driver_connection
        assert raw.info.get_parameters()["sslmode"] == "require"
        assert raw.pgconn.ssl_in_use
    assert "no encryption" in refusal(f"{url(INSTANCE)}&sslmode=disable")
    verified = f"{url(INSTANCE)}&sslmode=verify-full&sslrootcert={tls_server.authority}"
    assert "report-1" in ids(verified)
    assert "does not match host name" in refusal(f"{verified}&host=127.0.0.1")


def test_the_environment_of_another_postgres_is_not_taken_for_this_one(
    workspace: DatabricksStandIn, url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGHOST": "elsewhere.invalid",
        "PGHOSTADDR": "192.0.2.1",
        "PGUSER": "nobody",
        "PGPASSWORD": "none",
        "PGDATABASE": "none",
        "PGSSLMODE": "disable",
    }.items():
        monkeypatch.setenv(name, value)
    assert "report-1" in ids(url(INSTANCE))
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "root certificate" in refusal(url(INSTANCE))


def test_a_service_principal_logs_in_by_oauth(
    workspace: DatabricksStandIn, url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", CLIENT)
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", SECRET)
    assert "report-1" in ids(url(INSTANCE))


def test_a_profile_of_the_databricks_command_line_is_chosen_by_name(
    workspace: DatabricksStandIn, url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    (tmp_path / "databrickscfg").write_text(f"[work]\nhost = {workspace.url}\ntoken = {ACCESS}\n")
    assert "report-1" in ids(f"{url(INSTANCE)}&profile=work")
    assert "has no work2 profile configured" in refusal(f"{url(INSTANCE)}&profile=work2")


def test_a_role_may_be_named(workspace: DatabricksStandIn, url: Callable[[str], str]) -> None:
    named = url(INSTANCE).replace("lakebase://", "lakebase://ada%40example.com@")
    assert "report-1" in ids(named)
    assert workspace.asked["GET /api/2.0/preview/scim/v2/Me"] == 0
    other = refusal(url(INSTANCE).replace("lakebase://", "lakebase://nobody@"))
    assert "Lakebase refused the token: is there a Postgres role 'nobody' that may log in?" in other


def test_a_refused_token_is_one_line_that_names_the_role(
    workspace: DatabricksStandIn, url: Callable[[str], str]
) -> None:
    workspace.broken = True
    message = refusal(url(INSTANCE))
    assert message.startswith(f"--db: cannot read 'lakebase://{INSTANCE}/")
    assert f"Lakebase refused the token: is there a Postgres role {ADA!r} that may log in?" in message
    assert not [token for token in workspace.tokens if token in message]


def test_an_unknown_instance_is_answered_with_the_nearest(workspace: DatabricksStandIn) -> None:
    assert refusal("lakebase://order-db/x").endswith(
        "has no Lakebase endpoint 'order-db'; did you mean 'orders-db'?"
    )


def test_an_unknown_endpoint_of_a_project_is_one_line(workspace: DatabricksStandIn) -> None:
    message = refusal(f"lakebase://{ENDPOINT}2/x")
    assert f"{workspace.url} has no Lakebase endpoint '{ENDPOINT}2'" in message


def test_an_endpoint_without_a_host_must_be_started(workspace: DatabricksStandIn) -> None:
    workspace.host = None
    assert refusal(f"lakebase://{INSTANCE}/x").endswith("has no host (it is stopped): start it first")
    assert refusal(f"lakebase://{ENDPOINT}/x").endswith("has no host (it is active): start it first")


def test_a_login_that_ended_says_how_to_log_in(
    workspace: DatabricksStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-nobody")
    message = refusal(f"lakebase://{INSTANCE}/x")
    assert f"{workspace.url} does not accept the login (Invalid access token): log in with " in message
    assert "dapi-of-nobody" not in message


def test_nobody_logged_in_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    message = refusal(f"lakebase://{INSTANCE}/x")
    assert message.startswith("--db: not logged in to Databricks (")
    assert "log in with `databricks auth login`, or set DATABRICKS_HOST and DATABRICKS_TOKEN" in message
    assert capfd.readouterr().err == ""


def test_a_login_without_the_right_to_it_is_one_line(workspace: DatabricksStandIn) -> None:
    workspace.forbidden = True
    assert "refuses the Lakebase endpoint 'orders-db' to this login: User does not have" in refusal(
        f"lakebase://{INSTANCE}/x"
    )


@pytest.mark.slow
def test_a_workspace_that_does_not_answer_is_one_line(
    workspace: DatabricksStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lakebase, "RETRY_SECONDS", 1)
    monkeypatch.setenv("DATABRICKS_HOST", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 does not answer for the Lakebase endpoint" in refusal(
        f"lakebase://{INSTANCE}/x"
    )


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "databricks.sdk", None)
    assert refusal(f"lakebase://{INSTANCE}/x") == (
        "--db: Lakebase needs databricks-sdk: pip install 'refork[databricks]'"
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("lakebase://orders-db", "names no endpoint and database; write 'lakebase://<endpoint>/<database>'"),
        ("lakebase:///x", "names no endpoint and database"),
        ("lakebase://projects/shop/branches/main/x", "is not a Lakebase endpoint; accepted is the name of"),
        ("lakebase://ada:s3cret@orders-db/x", "'lakebase://ada:***@orders-db/x' holds a password"),
        ("lakebase://orders-db/x?sslmod=a", "unknown parameter 'sslmod' in the URL; did you mean 'sslmode'?"),
        ("lakebase://orders-db/x?password=s3cret", "leave 'password' out: Lakebase takes tokens"),
        ("lakebase://orders-db/x?profile=a&profile=b", "'profile' is given twice"),
    ],
)
def test_another_form_is_bad_input_that_says_what_is_accepted(url: str, problem: str) -> None:
    with pytest.raises(BadInputError), Reader(url):
        pass
    assert problem in refusal(url)
    assert "s3cret" not in refusal(url)


def test_no_log_holds_a_token(
    workspace: DatabricksStandIn, url: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ids(url(INSTANCE))
        ids(url(ENDPOINT))
    assert INSTANCE in caplog.text
    assert not [token for token in workspace.tokens if token[:12] in caplog.text]


def test_nothing_that_python_shows_holds_a_token(workspace: DatabricksStandIn, tls_shop: str) -> None:
    engine = engine_of(workspace, tls_shop)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        shown = f"{engine!r} {engine.url} {connection!r} {raw!r} {engine.pool!r}"
    assert not [token for token in workspace.tokens if token in shown]
    engine.dispose()


class TestEngine:
    def test_it_takes_a_client_of_the_application_s_own(
        self, workspace: DatabricksStandIn, tls_shop: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DATABRICKS_TOKEN")
        client = WorkspaceClient(host=workspace.url, token=ACCESS)
        engine = engine_of(workspace, tls_shop, workspace=client)
        with engine.connect() as connection:
            assert who(connection) == ADA
        engine.dispose()

    def test_a_parameter_that_libpq_does_not_have_is_refused(self) -> None:
        with pytest.raises(BadInputError, match="lakebase_engine: unknown parameter 'sslmod'"):
            lakebase_engine(INSTANCE, "x", parameters={"sslmod": "require"})

    def test_a_token_that_cannot_be_had_is_an_error_of_the_connection(
        self, workspace: DatabricksStandIn, tls_shop: str
    ) -> None:
        engine = engine_of(workspace, tls_shop)
        workspace.forbidden = True
        with pytest.raises(DatabaseError, match=r"lakebase_engine: .* refuses the Lakebase endpoint"):
            engine.connect()

    def test_the_module_costs_production_no_import_of_what_it_does_not_use(self) -> None:
        code = "import sys, refork.databricks; sys.exit(len({'dbos', 'databricks', 'pandas'} & set(sys.modules)))"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def engine_of(api: DatabricksStandIn, database: str, **options: Any) -> sa.Engine:
    return lakebase_engine(INSTANCE, database, parameters={"port": str(api.postgres.port)}, **options)

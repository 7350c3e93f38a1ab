"""Postgres as libpq reaches it: TLS, certificates, passwords and where they come from, schemas."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.sql import Identifier
from refork.cli import main
from refork.dbos.evals_database.database import evals_database
from refork.dbos.instance.engine import open_engine
from refork.dbos.reader.reader import Reader
from refork.dbos.servers.url import server_at
from refork.dbos.servers.url_parameters import hidden
from refork.errors import BadInputError, DatabaseError, ReforkError
from support.production import write_runs
from support.tls_postgres import CERTIFIED, TlsPostgres

PASSWORD = "s3cr3t/of:a@reader"
TEAM = 'Team "A"'
ENCODED = "s3cr3t%2Fof%3Aa%40reader"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the machine says of Postgres is not meant for these tests."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def reader(tls_server: TlsPostgres, tls_shop: str) -> Generator[str]:
    with tls_server.role(tls_shop, password=PASSWORD) as name:
        yield name


@pytest.fixture
def authority(tls_server: TlsPostgres, tls_shop: str) -> str:
    """Host, port and database, as a URL has them."""
    return f"localhost:{tls_server.port}/{tls_shop}"


def ids(url: str) -> set[str]:
    with Reader(url) as opened:
        return {run.id for run in opened.runs(limit=None)}


def refusal(url: str) -> str:
    with pytest.raises(ReforkError) as found, Reader(url):
        pass
    message = str(found.value)
    assert "\n" not in message
    for secret in (PASSWORD, ENCODED, "s3cr3t", "wrong-one"):
        assert secret not in message
    return message


def test_a_password_in_the_url_logs_in_over_tls(reader: str, authority: str) -> None:
    assert "report-1" in ids(f"postgresql://{reader}:{ENCODED}@{authority}")


def test_a_wrong_password_is_refused_in_one_line_that_does_not_show_it(reader: str, authority: str) -> None:
    message = refusal(f"postgresql://{reader}:wrong-one@{authority}")
    assert message.startswith(f"--db: cannot read 'postgresql://{reader}:***@{authority}': ")
    assert f'password authentication failed for user "{reader}"' in message


def test_a_missing_password_says_where_it_may_stand(reader: str, authority: str) -> None:
    message = refusal(f"postgresql://{reader}@{authority}")
    assert "no password supplied; give one by PGPASSWORD, or by a line of ~/.pgpass" in message


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_sslmode_is_libpq_s(reader: str, authority: str, mode: str) -> None:
    url = f"postgresql://{reader}:{ENCODED}@{authority}?sslmode={mode}"
    if mode == "disable":
        assert "no encryption" in refusal(url)
    else:
        assert "report-1" in ids(url)


def test_verify_full_takes_the_host_of_the_certificate_and_no_other(
    tls_server: TlsPostgres, tls_shop: str, reader: str
) -> None:
    query = f"sslmode=verify-full&sslrootcert={tls_server.authority}"
    place = f"{tls_server.port}/{tls_shop}"
    assert "report-1" in ids(f"postgresql://{reader}:{ENCODED}@localhost:{place}?{query}")
    message = refusal(f"postgresql://{reader}:{ENCODED}@127.0.0.1:{place}?{query}")
    assert 'server certificate for "localhost"' in message
    assert 'does not match host name "127.0.0.1"' in message


def test_verify_ca_refuses_another_authority(
    tls_server: TlsPostgres, reader: str, authority: str, tmp_path: Path
) -> None:
    other = tmp_path / "none.crt"
    url = f"postgresql://{reader}:{ENCODED}@{authority}?sslmode=verify-ca&sslrootcert="
    assert f'root certificate file "{other}" does not exist' in refusal(f"{url}{other}")
    assert "certificate verify failed" in refusal(f"{url}{tls_server.folder / 'client.crt'}")


def test_a_client_certificate_logs_in_without_a_password(
    tls_server: TlsPostgres, tls_shop: str, authority: str
) -> None:
    files = f"sslcert={tls_server.folder / 'client.crt'}&sslkey={tls_server.folder / 'client.key'}"
    with tls_server.role(tls_shop, password="unused", name=CERTIFIED):
        assert "report-1" in ids(f"postgresql://{CERTIFIED}@{authority}?{files}")
        assert "valid client certificate" in refusal(f"postgresql://{CERTIFIED}@{authority}")


def test_the_password_may_stand_in_pgpassword(
    reader: str, authority: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert "report-1" in ids(f"postgresql://{reader}@{authority}")


@pytest.mark.parametrize("by", ["PGPASSFILE", "passfile"])
def test_the_password_may_stand_in_a_password_file(
    reader: str, authority: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    file = tmp_path / "pgpass"
    file.touch(0o600)
    place, escaped = authority.partition("/")[0], PASSWORD.replace(":", r"\:")
    file.write_text(f"elsewhere:*:*:{reader}:other\n{place}:*:{reader}:{escaped}\n")
    if by == "PGPASSFILE":
        monkeypatch.setenv("PGPASSFILE", str(file))
        assert "report-1" in ids(f"postgresql://{reader}@{authority}")
    else:
        assert "report-1" in ids(f"postgresql://{reader}@{authority}?passfile={file}")


def test_everything_may_come_from_the_environment(
    tls_server: TlsPostgres, tls_shop: str, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "PGHOST": "localhost",
        "PGPORT": str(tls_server.port),
        "PGUSER": reader,
        "PGPASSWORD": PASSWORD,
        "PGDATABASE": tls_shop,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": tls_server.authority,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert "report-1" in ids("postgresql:///")
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    assert "does not match host name" in refusal("postgresql:///")


def test_a_service_file_names_the_server(
    tls_server: TlsPostgres, tls_shop: str, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "services.conf"
    file.write_text(
        f"[shop]\nhost=localhost\nport={tls_server.port}\ndbname={tls_shop}\nuser={reader}\npassword={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert "report-1" in ids("postgresql:///?service=shop")
    assert 'definition of service "shep" not found' in refusal("postgresql:///?service=shep")


def test_several_hosts_are_tried_in_turn(tls_server: TlsPostgres, tls_shop: str, reader: str) -> None:
    place = f"localhost:1,localhost:{tls_server.port}/{tls_shop}"
    assert "report-1" in ids(f"postgresql://{reader}:{ENCODED}@{place}?connect_timeout=5&schema=dbos")
    message = refusal(f"postgresql://{reader}:wrong-one@localhost:1,localhost:2/{tls_shop}")
    assert f"--db: cannot read 'postgresql://{reader}:***@localhost:1,localhost:2/{tls_shop}'" in message


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://h/d?sslmod=require", "unknown parameter 'sslmod' in the URL; did you mean 'sslmode'?"),
        ("postgresql://h/d?autocommit=1", "unknown parameter 'autocommit' in the URL; accepted are 'schema'"),
        (
            "postgresql://h/d?sslmode=requird",
            "sslmode='requird' is not a mode of libpq; accepted are disable, allow",
        ),
        ("postgresql://h/d?sslmode=require&sslmode=allow", "'sslmode' is given twice"),
        ("postgresql://h/d?schema=a&schema=b", "'schema' is given twice"),
        ("postgresql://user:s3cr3t@more@host/db", "has an '@' in its user name or password"),
        ("postgresql://user:s3cr3t/db", "'postgresql://user:***' is not a database URL"),
        (
            "postgresql://user:s3cr3t?x@host:port/db",
            "'postgresql://user:***@host:port/db' is not a database URL",
        ),
        (
            "postgresql://user:s3cr3t@a:1,b:two/db",
            "'postgresql://user:***@a:1,b:two/db' is not a database URL",
        ),
        ("host=h password=s3cr3t", "'host=h password=***' is not a database URL"),
    ],
)
def test_the_error_of_a_wrong_url_is_one_line_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(BadInputError):
        server_at(url, option="--db")
    assert problem in refusal(url)


def test_no_message_of_python_shows_a_password(reader: str, authority: str) -> None:
    server = server_at(f"postgresql://{reader}:{ENCODED}@{authority}", option="--db")
    engine = server.engine()
    with server.connect() as raw, engine.connect() as connection:
        shown = [server, server.url, engine, engine.url, connection, raw, server.name]
        assert not [thing for thing in shown if "s3cr3t" in f"{thing!r} {thing}"]
        assert raw.info.parameter_status("application_name") == "refork"
    engine.dispose()


def test_a_url_that_nobody_can_read_is_shown_without_what_may_be_a_password() -> None:
    assert hidden("postgresql://h:5432/d?password=x") == "postgresql://h:5432/d"
    assert hidden("postgresql://ada:a:b@c@h/d") == "postgresql://ada:***@h/d"


def test_a_program_name_of_the_user_s_own_is_kept(
    reader: str, authority: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGAPPNAME", "nightly")
    with server_at(f"postgresql://{reader}:{ENCODED}@{authority}", option="--db").connect() as raw:
        assert raw.info.parameter_status("application_name") == "nightly"


@pytest.fixture(scope="module")
def named(tls_server: TlsPostgres, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A database whose runs DBOS wrote in the schema ``Team "A"``."""
    with tls_server.database() as database:
        write_runs(tls_server.owner_url(database), tmp_path_factory.mktemp("named"), schema="team_a")
        tls_server.execute("ALTER SCHEMA team_a RENAME TO {}", Identifier(TEAM), database=database)
        yield database


@contextmanager
def empty_copy(server: TlsPostgres, database: str, schema: str) -> Generator[str]:
    """The URL of the database while it has DBOS's tables in another schema too, without a run."""
    server.execute("CREATE SCHEMA {}", Identifier(schema), database=database)
    for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
        names = (Identifier(schema, table), Identifier(TEAM, table))
        server.execute("CREATE TABLE {} (LIKE {})", *names, database=database)
    yield server.owner_url(database)
    server.execute("DROP SCHEMA {} CASCADE", Identifier(schema), database=database)


class TestSchemas:
    def test_the_only_one_is_found_by_itself(self, tls_server: TlsPostgres, named: str) -> None:
        assert "report-1" in ids(tls_server.owner_url(named))

    def test_one_of_several_is_chosen_by_name(
        self, tls_server: TlsPostgres, named: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with empty_copy(tls_server, named, "empty") as url:
            assert "choose one with --schema: 'Team \"A\"', 'empty'" in refusal(url)
            assert ids(f"{url}&schema=empty") == set()
            assert "report-1" in ids(f"{url}&schema=Team%20%22A%22")
            assert main(["runs", "--db", url, "--schema", TEAM]) == 0
            assert "report-1" in capsys.readouterr().out
            assert main(["runs", "--db", url, "--schema", "empty"]) == 0
            assert capsys.readouterr().out == "The database holds no runs.\n"

    def test_dbos_s_own_name_comes_first(self, tls_server: TlsPostgres, named: str) -> None:
        with empty_copy(tls_server, named, "dbos") as url:
            assert ids(url) == set()

    def test_another_name_is_refused_with_those_that_are_there(
        self, tls_server: TlsPostgres, named: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["runs", "--db", tls_server.owner_url(named), "--schema", "teem"]) == 2
        err = capsys.readouterr().err
        assert err.startswith("refork: --schema 'teem': ")
        assert err.endswith("has no tables of DBOS there; they are in 'Team \"A\"'\n")


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("sqlite:///x.sqlite", "--schema", "a"), "--schema 'a': a SQLite database has no schemas"),
        (("sqlite:///x.sqlite?schema=a",), "--db: a SQLite database has no schemas"),
        (("postgresql://h/d?schema=b", "--schema", "a"), "--schema 'a': the URL of --db says 'b'"),
    ],
)
def test_a_schema_that_cannot_be_is_bad_input(
    args: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--db", *args]) == 2
    assert problem in capsys.readouterr().err


class TestEvalsDatabase:
    @pytest.mark.parametrize("by", ["environment", "socket"])
    def test_a_session_of_dbos_runs_on_it(
        self, tls_server: TlsPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with tls_server.database() as name, tls_server.role(name, password=PASSWORD) as role:
            values = {"HOST": "localhost", "PORT": str(tls_server.port), "USER": role, "DATABASE": name}
            if by == "environment":
                for key, value in (values | {"PASSWORD": PASSWORD}).items():
                    monkeypatch.setenv(f"PG{key}", value)
            url = "postgresql:///" if by == "environment" else tls_server.owner_url(name)
            with open_engine(root=tmp_path, modules=[], url=url) as (_, database):
                tables = sa.inspect(database.engine).get_table_names(schema=database.schema)
                assert "workflow_status" in tables
                assert "s3cr3t" not in repr(database)

    def test_it_is_opened_as_production_is_and_shows_no_password(
        self, tls_server: TlsPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        query = f"sslmode=verify-full&sslrootcert={tls_server.authority}"
        with tls_server.database() as name, tls_server.role(name, password=PASSWORD) as role:
            url = f"postgresql://{role}:{ENCODED}@localhost:{tls_server.port}/{name}?{query}"
            with evals_database(url, root=tmp_path) as database:
                assert "s3cr3t" not in repr(database)
                with database.engine.connect() as connection:
                    assert connection.exec_driver_sql("SELECT current_user").scalar() == role

    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("postgresql://u:s3cr3t@h/d?schema=a", "leave 'schema' out of the URL"),
            ("postgresql://u:s3cr3t@h/d?sslmod=a", "did you mean 'sslmode'?"),
            ("mysql://u:s3cr3t@h/d", "'lakebase://endpoint/database'"),
            ("nonsense", "'nonsense' is not a database URL"),
        ],
    )
    def test_a_wrong_url_names_the_option(
        self, url: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with pytest.raises(BadInputError) as found, evals_database(url, root=tmp_path):
            pass
        assert str(found.value).startswith("--agent-evals-db: ")
        assert problem in str(found.value)
        assert "s3cr3t" not in str(found.value)

    def test_a_refused_password_is_one_line(
        self, tls_server: TlsPostgres, tls_shop: str, reader: str, authority: str, tmp_path: Path
    ) -> None:
        with (
            pytest.raises(DatabaseError) as found,
            evals_database(f"postgresql://{reader}:wrong-one@{authority}", root=tmp_path),
        ):
            pass
        message = str(found.value)
        assert message.startswith(f"--agent-evals-db: cannot use 'postgresql://{reader}:***@{authority}': ")
        assert "password authentication failed" in message
        assert "wrong-one" not in message
        assert "\n" not in message


def test_the_reader_changes_nothing(tls_server: TlsPostgres, reader: str, authority: str) -> None:
    with Reader(f"postgresql://{reader}:{ENCODED}@{authority}") as opened:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as found:
            opened._connection.connection.driver_connection.execute("CREATE TABLE x (y int)")  # type: ignore[union-attr]
        assert "read-only" in str(found.value)

"""An evals database outlives the DBOS that made it: an older one's is taken on, a newer one's is made anew."""

from importlib.metadata import version
from pathlib import Path

import pytest
import sqlalchemy as sa
from refork.dbos.evals_database.database import MADE_BY, EvalsDatabase, evals_database


@pytest.fixture(params=["default", "file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return None if request.param == "default" else f"sqlite:///{tmp_path / 'evals.sqlite'}"


def leave(database: EvalsDatabase, *, made_by: str) -> None:
    """Make it look as a session under ``made_by`` would have left it, with something in it."""
    made = sa.Table(MADE_BY, sa.MetaData(schema=database.schema), sa.Column("dbos", sa.Text))
    left = sa.Table("left", sa.MetaData(schema=database.schema), sa.Column("by", sa.Text))
    with database.engine.begin() as connection:
        connection.execute(sa.update(made).values(dbos=made_by))
        left.create(connection)


def tables(database: EvalsDatabase) -> list[str]:
    return sa.inspect(database.engine).get_table_names(schema=database.schema)


def test_tables_of_a_newer_dbos_are_set_aside_with_a_note(url: str | None, tmp_path: Path) -> None:
    with evals_database(url, root=tmp_path) as database:
        leave(database, made_by="99.1.0")
    with evals_database(url, root=tmp_path) as database:
        assert "left" not in tables(database)
        assert f"dbos 99.1.0 made it, and dbos {version('dbos')} is installed" in database.note
        assert "\n" not in database.note
    with evals_database(url, root=tmp_path) as database:
        assert database.note == ""


def test_tables_of_an_older_dbos_are_taken_on(url: str | None, tmp_path: Path) -> None:
    with evals_database(url, root=tmp_path) as database:
        leave(database, made_by="3.0.0")
    with evals_database(url, root=tmp_path) as database:
        assert "left" in tables(database)
        assert database.note == ""

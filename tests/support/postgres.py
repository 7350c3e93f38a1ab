"""Databases and roles of a Postgres server that a test runs against."""

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

READER = "refork_test_reader"


@contextmanager
def role_of(url: str, *, may_select: bool = True) -> Generator[str]:
    """The same database for a new role that may only read DBOS's tables, or not even that."""
    role = f"{READER}_{uuid.uuid4().hex[:8]}"
    execute(url, "CREATE ROLE {} LOGIN PASSWORD 'reads'", role)
    if may_select:
        execute(url, "GRANT USAGE ON SCHEMA dbos TO {}", role)
        execute(url, "GRANT SELECT ON ALL TABLES IN SCHEMA dbos TO {}", role)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    try:
        yield urlunsplit(parts._replace(netloc=f"{role}:reads@{host}"))
    finally:
        execute(url, "DROP OWNED BY {}", role)
        execute(url, "DROP ROLE {}", role)


def execute(url: str, statement: LiteralString, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))


@contextmanager
def copied_database(server: str, template: str) -> Generator[str]:
    """The name of a copy of the database ``template``, to which nobody may be connected. It is dropped at the end."""
    name = f"refork_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        statement = SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(Identifier(name), Identifier(template)))
    try:
        yield name
    finally:
        execute(server, "DROP DATABASE {} WITH (FORCE)", name)

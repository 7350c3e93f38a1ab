"""Parses URLs of databases, checks them, and hides passwords in them."""

import re
from typing import Any, Final
from urllib.parse import unquote

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import ArgumentError

from refork.dbos.servers.connection import Server
from refork.dbos.servers.lakebase_url import lakebase_at
from refork.dbos.servers.url_parameters import SCHEMA, checked, hidden
from refork.errors import BadInputError
from refork.text.lines import one_line

ACCEPTED: Final = (
    "'sqlite:///path/to/file.sqlite', 'postgresql://user@host/database' and 'lakebase://endpoint/database'"
)
LAKEBASE: Final = "lakebase"
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def kind_of(url: str, *, option: str) -> str:
    """Return ``sqlite``, ``postgresql`` or ``lakebase``. Raises BadInputError for another scheme and for an
    invalid URL.
    """
    scheme, separator, _ = url.partition("://")
    kind = scheme.partition("+")[0].lower()
    if not separator or not kind:
        raise _no_url(url, option)
    if kind in _POSTGRES:
        return "postgresql"
    if kind not in {"sqlite", LAKEBASE}:
        raise BadInputError(
            f"{option}: {one_line(kind)!r} databases are not supported; accepted are {ACCEPTED}"
        )
    return kind


def sqlite_address(url: str, *, option: str) -> sa.URL:
    """Return the parts of a SQLite URL. Raises BadInputError for any other URL, and for one that names a schema."""
    try:
        address = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise _no_url(url, option) from None
    if SCHEMA in address.query:
        raise BadInputError(f"{option}: a SQLite database has no schemas; leave {SCHEMA!r} out")
    return address


def server_at(url: str, *, option: str) -> Server:
    """Return the Postgres or Lakebase database that a URL names. Raises BadInputError, and DatabaseError from
    Databricks.
    """
    if kind_of(url, option=option) == LAKEBASE:
        return lakebase_at(url, option=option)
    name, found = _parts(url, option)
    given = checked(found, option=option, own=(SCHEMA,))
    return Server(option=option, name=name, schema=given.pop(SCHEMA, None), parameters=given)


def _parts(url: str, option: str) -> tuple[str, dict[str, Any]]:
    """Return the URL as it may be shown, and libpq's parameters by name, including those of the query."""
    plain = re.sub(r"^[^:]*", "postgresql", url)
    try:
        address = sa.make_url(plain)
        if "@" in (address.host or ""):
            raise BadInputError(
                f"{option}: {hidden(url)!r} has an '@' in its user name or password: write it as '%40'"
            )
        dialect: Any = PGDialect_psycopg
        given: dict[str, Any] = dict(dialect().create_connect_args(address)[1])
    except (ArgumentError, ValueError):
        return _several_hosts(plain, url, option)
    if "host" in given:
        given["host"] = unquote(str(given["host"]))
    return address.set(query={}).render_as_string(hide_password=True), given


def _several_hosts(plain: str, url: str, option: str) -> tuple[str, dict[str, Any]]:
    """Parse ``postgresql://host1:1,host2:2/database``, which libpq reads and SQLAlchemy does not."""
    address, mark, query = plain.partition("?")
    parts = [part for part in query.split("&") if part]
    schemas = [unquote(part.partition("=")[2]) for part in parts if part.startswith(f"{SCHEMA}=")]
    rest = "&".join(part for part in parts if not part.startswith(f"{SCHEMA}="))
    if "," not in address:
        raise _no_url(url, option)
    try:
        found: dict[str, Any] = dict(conninfo_to_dict(f"{address}{mark and '?'}{rest}"))
    except psycopg.Error:
        raise _no_url(url, option) from None
    if not re.fullmatch(r"[\d,]*", str(found.get("port", ""))):
        raise _no_url(url, option)
    return hidden(url), found | ({SCHEMA: tuple(schemas) if schemas[1:] else schemas[0]} if schemas else {})


def _no_url(url: str, option: str) -> BadInputError:
    return BadInputError(f"{option}: {hidden(url)!r} is not a database URL; accepted are {ACCEPTED}")

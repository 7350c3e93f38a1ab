"""Options and arguments that several commands take."""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import parse_qsl, quote

import click

from refork.dbos.reader.recordings import DATABASE_VARIABLE
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.case_capture.loader import Redaction

F = TypeVar("F", bound=Callable[..., Any])
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def db_option(function: F) -> F:
    """Add ``--db`` and ``--schema``; the command receives both as one URL, ``db``."""

    @click.option(
        "--db",
        metavar="URL",
        envvar=DATABASE_VARIABLE,
        callback=_given,
        help="The DBOS system database: SQLite, Postgres or lakebase://. It is only read. "
        f"Default: ${DATABASE_VARIABLE}.",
    )
    @click.option(
        "--schema",
        metavar="NAME",
        help="The Postgres schema of DBOS's tables. Default: dbos, or else the only one that contains them.",
    )
    @functools.wraps(function)
    def with_database(*args: Any, db: str, schema: str | None, **rest: Any) -> Any:
        return function(*args, db=with_schema(db, schema), **rest)

    return cast(F, with_database)


def optional_db_option(function: F) -> F:
    """Add both as :func:`db_option` does; ``db`` is None if no database is named."""

    @click.option(
        "--db",
        metavar="URL",
        envvar=DATABASE_VARIABLE,
        help=f"The DBOS system database. It is only read. Default: ${DATABASE_VARIABLE}.",
    )
    @click.option("--schema", metavar="NAME", help="The Postgres schema of DBOS's tables.")
    @functools.wraps(function)
    def with_database(*args: Any, db: str | None, schema: str | None, **rest: Any) -> Any:
        return function(*args, db=with_schema(db, schema) if db else None, **rest)

    return cast(F, with_database)


def given_db(url: str | None) -> str:
    """Return ``url``. Raises BadInputError if no database is named."""
    if not url:
        raise BadInputError(
            f"--db is missing: give the URL of a DBOS system database, or set {DATABASE_VARIABLE}"
        )
    return url


def with_schema(url: str, schema: str | None) -> str:
    """Return ``url`` with ``schema`` among its parameters. Raises BadInputError if it names another one."""
    if schema is None:
        return url
    if url.startswith("sqlite"):
        raise BadInputError(f"--schema {schema!r}: a SQLite database has no schemas; leave the option out")
    query = url.rpartition("@")[2].partition("?")[2]
    named = dict(parse_qsl(query)).get("schema", schema)
    if named != schema:
        raise BadInputError(f"--schema {schema!r}: the URL of --db says {named!r}; leave one of them out")
    has_schema = "schema" in dict(parse_qsl(query))
    return url if has_schema else f"{url}{'&' if query else '?'}schema={quote(schema, safe='')}"


def run_argument(function: F) -> F:
    return click.argument("run", metavar="RUN")(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead, for other programs.")(
        function
    )


def replay_option(function: F) -> F:
    return click.option(
        "--replay/--no-replay",
        default=None,
        help="Look for prompts and agents by a replay, however large the run is, or not at all. "
        "Default: unless the run is large.",
    )(function)


def redact_options(function: F) -> F:
    function = click.option(
        "--no-redact", is_flag=True, help="Keep keys, tokens and passwords as they are. They are secrets!"
    )(function)
    return click.option(
        "--redact",
        metavar="KINDS",
        help="Also replace personal data: emails, phones, cards, ips, ibans, separated by commas.",
    )(function)


def redaction(kinds: str | None, *, no_redact: bool) -> "Redaction":
    """Return what the two options say. Raises BadInputError if they contradict each other or name an unknown kind."""
    from refork.case_capture.loader import Redaction  # noqa: PLC0415
    from refork.redaction.process_secrets import left_as_they_are  # noqa: PLC0415 - needs pydantic

    if no_redact:
        click.get_current_context().with_resource(left_as_they_are())
    if kinds is None:
        return Redaction(secrets=not no_redact)
    if no_redact:
        raise BadInputError("--redact and --no-redact contradict each other: give one of them")
    from refork.redaction import checked_kinds  # noqa: PLC0415 - needs pydantic

    return Redaction(kinds=checked_kinds(kinds))


def since(text: str, *, now: datetime | None = None) -> datetime:
    """Parse ``7d`` or ``2h`` before now, or a date or time, which is local unless it names a zone. Raises
    BadInputError.
    """
    moment = now or datetime.now(tz=UTC)
    span = re.fullmatch(r"\s*(\d{1,6})\s*([smhdw])\s*", text, re.ASCII)
    try:
        if span is not None:
            return moment - timedelta(**{_UNITS[span[2]]: int(span[1])})
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(
            f"--since {text!r} is not a time; accepted are spans such as '7d', '2h' or '30m', and dates such as "
            "'2026-11-01' or '2026-11-01T09:30'"
        ) from None


def _given(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    return given_db(value)

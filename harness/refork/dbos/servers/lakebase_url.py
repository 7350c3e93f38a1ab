"""Parses ``lakebase://endpoint/database``: a Postgres database of Databricks, by the name of its endpoint."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from refork.dbos.servers.connection import Server
from refork.dbos.servers.lakebase import FORMS, lakebase_server
from refork.dbos.servers.url_parameters import SCHEMA, checked, hidden
from refork.errors import BadInputError

PROFILE: Final = "profile"
_URL: Final = re.compile(r"[^:]+://(?:(?P<role>.*)@)?(?P<path>[^@?]*)(?:\?(?P<query>.*))?", re.DOTALL)


def lakebase_at(url: str, *, option: str) -> Server:
    """Return the database of a ``lakebase://`` URL. Raises BadInputError for another form, and DatabaseError with
    Databricks' message.
    """
    found = _URL.fullmatch(url)
    endpoint, _, database = unquote(found["path"] if found else "").rpartition("/")
    if found is None or not endpoint or not database:
        raise BadInputError(
            f"{option}: {hidden(url)!r} names no endpoint and database; write 'lakebase://<endpoint>/<database>', "
            f"where the endpoint is {FORMS}"
        )
    if ":" in (found["role"] or ""):
        raise BadInputError(
            f"{option}: {hidden(url)!r} holds a password; Lakebase takes tokens, which are made for whoever is "
            "logged in to Databricks: leave it out, or write a 'postgresql://' URL"
        )
    given = _parameters(found["query"] or "", option)
    schema, profile = given.pop(SCHEMA, None), given.pop(PROFILE, None)
    return lakebase_server(
        endpoint,
        database,
        option=option,
        user=unquote(found["role"]) if found["role"] else None,
        schema=schema,
        profile=profile,
        parameters=given,
    )


def _parameters(query: str, option: str) -> dict[str, str]:
    given: dict[str, Any] = {}
    for name, value in parse_qsl(query):
        given[name] = (given[name], value) if name in given else value
    return checked(given, option=option, own=(SCHEMA, PROFILE))

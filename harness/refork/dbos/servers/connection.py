"""A Postgres database and its connections: by libpq, with its parameters, files and environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import psycopg
import sqlalchemy as sa
from psycopg.pq import Conninfo

from refork.redaction.process_secrets import hold
from refork.text.lines import one_line

CONNECT_SECONDS: Final = 10
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""The SSL modes of libpq, the strictest last."""

_OPTIONS: Final = {option.keyword.decode(): option for option in Conninfo.get_defaults()}
PARAMETERS: Final = frozenset(_OPTIONS)
"""All parameters that libpq accepts in a URL's query."""
_SECRET: Final = frozenset(name for name, option in _OPTIONS.items() if option.dispchar == b"*") | {
    "scram_client_key",
    "scram_server_key",
}
NO_PASSWORD: Final = "no password supplied"  # noqa: S105 - libpq's words
REFUSED: Final = "authentication failed"


class Tokens(Protocol):
    """Passwords that expire."""

    def current(self) -> tuple[str, bool]:
        """Return a password that should be accepted, and whether it was made this moment."""
        ...

    def renewed(self, refused: str) -> str:
        """Return a password that is newer than ``refused``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Postgres database.

    ``parameters`` are libpq's; libpq finds missing ones itself. ``option`` is the source of its URL and ``name``
    is its name in messages; neither they nor ``repr`` show a password. ``schema`` contains its tables, None to
    look for it. ``tokens`` supply the password.
    """

    option: str
    name: str
    schema: str | None
    parameters: Mapping[str, str] = field(repr=False)
    tokens: Tokens | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        hold(*self._secrets())

    @property
    def user(self) -> str:
        """The user who connects, if it is known before the connection."""
        return self._known("user")

    @property
    def url(self) -> sa.URL:
        """A URL without password that SQLAlchemy and DBOS show and compare. It is not used to connect."""
        host, port = (self._known(name).partition(",")[0] for name in ("host", "port"))
        is_socket = host.startswith("/")
        return sa.URL.create(
            "postgresql+psycopg",
            username=self.user or None,
            host=None if is_socket else host or None,
            port=int(port) if port else None,
            database=self._known("dbname") or self.user or "postgres",
            query={"host": host} if is_socket else {},
        )

    def _known(self, name: str) -> str:
        return self.parameters.get(name) or _default(name) or ""

    def connect(self, *, program: str = "refork", **options: Any) -> psycopg.Connection[Any]:
        """Open a new connection. Raises psycopg's errors, and DatabaseError if no token can be obtained."""
        given: dict[str, Any] = {"fallback_application_name": program, **_patience(self.parameters)}
        given |= {**self.parameters, **options}
        if self.tokens is None:
            return psycopg.connect(**given)
        given["password"], is_new = self.tokens.current()
        try:
            return psycopg.connect(**given)
        except psycopg.OperationalError:
            # One that was kept may have been withdrawn before its time.
            if is_new:
                raise
        given["password"] = self.tokens.renewed(given["password"])
        return psycopg.connect(**given)

    def engine(self, **options: Any) -> sa.Engine:
        """Return an engine whose connections are all opened by ``connect``. ``options`` are those of
        ``create_engine``.
        """
        known: dict[str, Any] = {"pool_pre_ping": self.tokens is not None, "creator": self.connect}
        return sa.create_engine(self.url, **known | options)

    def problem(self, error: BaseException) -> str:
        """Describe ``error`` in a few words, without passwords, and say what helps if that is known."""
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        for secret in self._secrets():
            said = said.replace(secret, "***")
        return one_line(said, 300) + self._hint(str(error))

    def _secrets(self) -> Iterator[str]:
        given = {value for name, value in self.parameters.items() if name in _SECRET}
        yield from sorted((given | {os.environ.get("PGPASSWORD", "")}) - {""}, key=len, reverse=True)

    def _hint(self, said: str) -> str:
        if self.tokens is not None and REFUSED in said:
            return f"; Lakebase refused the token: is there a Postgres role {self.user!r} that may log in?"
        if NO_PASSWORD in said:
            return (
                "; give one by PGPASSWORD, or by a line of ~/.pgpass (or of the file that PGPASSFILE names)"
            )
        return ""


def _patience(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the default time-out, unless the URL, the environment or possibly a service file sets one."""
    if "service" in parameters or _default("connect_timeout"):
        return {}
    return {"connect_timeout": CONNECT_SECONDS}


def _default(name: str) -> str | None:
    """Return libpq's value of a parameter that is not given, from its environment variables and service file."""
    found = next(option.val for option in Conninfo.get_defaults() if option.keyword == name.encode())
    return found.decode() if found else None

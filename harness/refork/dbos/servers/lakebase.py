"""Databricks Lakebase: Postgres whose password is an OAuth token that lasts an hour, made by ``databricks-sdk``."""

import logging
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from refork.dbos.servers.connection import SSL_MODES, Server
from refork.errors import BadInputError, DatabaseError, ReforkError
from refork.redaction.process_secrets import hold
from refork.text.lines import nearest, one_line
from refork.version import __version__

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

FORMS: Final = (
    "the name of a database instance, "
    "or 'projects/<project>/branches/<branch>/endpoints/<endpoint>' of a project"
)
MARGIN: Final = timedelta(minutes=2)
"""The remaining life below which a token is not used any more."""
SSL_MODE: Final = "require"
HTTP_SECONDS: Final = 15
RETRY_SECONDS: Final = 20
_PROJECT: Final = re.compile(r"projects/[^/]+/branches/[^/]+/endpoints/[^/]+")
_INSTANCE: Final = re.compile(r"[^/\s]+")
_INSTALL: Final = "pip install 'refork[databricks]'"
_LOG_IN: Final = (
    "log in with `databricks auth login`, or set DATABRICKS_HOST and DATABRICKS_TOKEN "
    "(or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET)"
)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A password and its expiry. None means unknown, and is treated as soon."""

    value: str = field(repr=False)
    expires_at: datetime | None


class Credentials:
    """Tokens for one endpoint, each reused until shortly before it expires. Safe to use from many threads."""

    def __init__(self, make: Callable[[], Token]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._kept: Token | None = None

    def current(self) -> tuple[str, bool]:
        """Return a valid token, and whether it was made this moment. Raises DatabaseError."""
        with self._lock:
            if self._kept is not None and _lasts(self._kept):
                return self._kept.value, False
            return self._new(), True

    def renewed(self, refused: str) -> str:
        """Return a token that was made after ``refused``, by this thread or by another. Raises DatabaseError."""
        with self._lock:
            if self._kept is not None and self._kept.value != refused:
                return self._kept.value
            return self._new()

    def _new(self) -> str:
        self._kept = self._make()
        hold(self._kept.value)
        return self._kept.value


def lakebase_server(
    endpoint: str,
    database: str,
    *,
    option: str,
    user: str | None = None,
    schema: str | None = None,
    profile: str | None = None,
    workspace: "WorkspaceClient | None" = None,
    parameters: Mapping[str, str] | None = None,
) -> Server:
    """Return a Lakebase database. Its host and, unless given, the user come from Databricks.

    ``profile`` is one of ``~/.databrickscfg``, used if there is no ``workspace``; ``parameters`` are libpq's.
    Raises BadInputError for an invalid endpoint, and DatabaseError if Databricks refuses, or its SDK is not
    installed.
    """
    if not (_PROJECT.fullmatch(endpoint) or _INSTANCE.fullmatch(endpoint)):
        raise BadInputError(
            f"{option}: {one_line(endpoint)!r} is not a Lakebase endpoint; accepted is {FORMS}"
        )
    if "password" in (parameters or {}):
        raise BadInputError(
            f"{option}: leave 'password' out: Lakebase takes tokens, made for who is logged in to Databricks"
        )
    place = _Place(
        endpoint=endpoint,
        option=option,
        workspace=_workspace(profile, option) if workspace is None else workspace,
    )
    known = {"host": place.host(), "port": "5432", "dbname": database, "sslmode": _ssl_mode()}
    known |= dict(parameters or {})
    # Else PGHOSTADDR, meant for another server, would be sent the token.
    known.setdefault("hostaddr", "")
    known["user"] = user or known.get("user") or place.user()
    return Server(
        option=option,
        name=f"lakebase://{endpoint}/{database}",
        schema=schema,
        parameters=known,
        tokens=Credentials(place.token),
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An endpoint, in one of Databricks' two forms: a project's, or a database instance."""

    endpoint: str
    option: str
    workspace: "WorkspaceClient" = field(repr=False)

    def host(self) -> str:
        with self._asking():
            host, state = self._project() if "/" in self.endpoint else self._instance()
        if not host:
            raise DatabaseError(
                f"{self.option}: the Lakebase endpoint {self.endpoint!r} has no host ({state}): start it first"
            )
        return host

    def user(self) -> str:
        with self._asking():
            name = self.workspace.current_user.me().user_name
        if not name:
            raise DatabaseError(
                f"{self.option}: Databricks does not say who is logged in: name the Postgres role, as in "
                f"'lakebase://role@{self.endpoint}/...'"
            )
        return name

    def token(self) -> Token:
        with self._asking(), _unlogged():
            value, expires_at = self._project_token() if "/" in self.endpoint else self._instance_token()
        if not value:
            raise DatabaseError(f"{self.option}: Databricks gave no token for {self.endpoint!r}: {_LOG_IN}")
        return Token(value=value, expires_at=expires_at)

    def _project(self) -> tuple[str | None, str]:
        status = self.workspace.postgres.get_endpoint(self.endpoint).status
        hosts = None if status is None else status.hosts
        state = None if status is None else status.current_state
        return None if hosts is None else hosts.host, _word(state)

    def _instance(self) -> tuple[str | None, str]:
        found = self.workspace.database.get_database_instance(self.endpoint)
        return found.read_write_dns, _word(found.state)

    def _project_token(self) -> tuple[str | None, datetime | None]:
        made = self.workspace.postgres.generate_database_credential(self.endpoint)
        return made.token, None if made.expire_time is None else made.expire_time.ToDatetime(tzinfo=UTC)

    def _instance_token(self) -> tuple[str | None, datetime | None]:
        made = self.workspace.database.generate_database_credential(instance_names=[self.endpoint])
        return made.token, _moment(made.expiration_time)

    @contextmanager
    def _asking(self) -> Generator[None]:
        try:
            yield
        except ReforkError:
            raise
        # The SDK raises its own errors, those of requests, and ValueError for logins that have ended.
        except (OSError, ValueError) as error:
            raise DatabaseError(f"{self.option}: {self._said(error)}") from error

    def _said(self, error: Exception) -> str:
        from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated  # noqa: PLC0415 - an extra

        said, where = _first_line(error), self.workspace.config.host
        if isinstance(error, NotFound):
            return f"{where} has no Lakebase endpoint {self.endpoint!r}{self._nearest()}"
        if isinstance(error, Unauthenticated) or (isinstance(error, ValueError) and "auth" in said):
            return f"{where} does not accept the login ({said}): {_LOG_IN}"
        if isinstance(error, PermissionDenied):
            return f"{where} refuses the Lakebase endpoint {self.endpoint!r} to this login: {said}"
        return f"{where} does not answer for the Lakebase endpoint {self.endpoint!r}: {said}"

    def _nearest(self) -> str:
        if "/" in self.endpoint:
            return f"; accepted is {FORMS}"
        try:
            names = [found.name for found in self.workspace.database.list_database_instances()]
        except (OSError, ValueError):
            names = []
        return nearest(self.endpoint, names) or f"; accepted is {FORMS}"


def _workspace(profile: str | None, option: str) -> "WorkspaceClient":
    try:
        from databricks.sdk import WorkspaceClient  # noqa: PLC0415 - an extra
        from databricks.sdk.core import Config  # noqa: PLC0415
    except ImportError:
        raise BadInputError(f"{option}: Lakebase needs databricks-sdk: {_INSTALL}") from None
    try:
        with _unlogged():
            config = Config(
                profile=profile,
                product="refork",
                product_version=__version__,
                http_timeout_seconds=HTTP_SECONDS,
                retry_timeout_seconds=RETRY_SECONDS,
            )
        return WorkspaceClient(config=config)
    except (OSError, ValueError) as error:
        raise DatabaseError(
            f"{option}: not logged in to Databricks ({_first_line(error)}): {_LOG_IN}"
        ) from error


def _ssl_mode() -> str:
    """Return ``require``, or the mode in the environment if it is stricter."""
    asked = os.environ.get("PGSSLMODE", "")
    strict = SSL_MODES[SSL_MODES.index(SSL_MODE) :]
    return asked if asked in strict else SSL_MODE


def _lasts(token: Token) -> bool:
    return token.expires_at is not None and token.expires_at - datetime.now(tz=UTC) > MARGIN


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _word(state: Any) -> str:
    return (
        "its state is not known" if state is None else f"it is {str(getattr(state, 'value', state)).lower()}"
    )


def _first_line(error: BaseException) -> str:
    """Return the first sentence of an error. The SDK adds its whole configuration, or pages of documentation."""
    text = re.split(r"\. |, please check|\n", str(error), maxsplit=1)[0]
    return one_line(text or type(error).__name__)


@contextmanager
def _unlogged() -> Generator[None]:
    """Silence the SDK's log: at level DEBUG it contains responses with tokens, and it warns of what raises an error
    anyway.
    """
    logger = logging.getLogger("databricks.sdk")
    thread = threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(elsewhere)

"""A stand-in for the parts of a Databricks workspace that hand out credentials of Lakebase.

It speaks the paths and shapes of the real REST API, so that the real SDK can be its client. The database
behind it is a real Postgres: with each token that is given out, the password of the role becomes that token,
and the ones before it log nobody in any more.
"""

import base64
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from psycopg.sql import Identifier

from support.tls_postgres import TlsPostgres

ADA = "ada@example.com"
INSTANCE = "orders-db"
ENDPOINT = "projects/shop/branches/production/endpoints/primary"
ACCESS = "dapi-of-ada"
CLIENT, SECRET = "client-of-robot", "secret-of-robot"


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class DatabricksStandIn:
    """``lifetime`` is that of the next tokens; ``broken`` gives out tokens that the database does not know."""

    def __init__(self, postgres: TlsPostgres) -> None:
        self.postgres = postgres
        self.lifetime = timedelta(hours=1)
        self.broken = False
        self.forbidden = False
        self.host: str | None = "localhost"
        self.asked: Counter[str] = Counter()
        self.tokens: list[str] = []
        self._lock = threading.Lock()
        self._access = {ACCESS}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def expire(self) -> None:
        """What happens when the hour of the last token is over: it logs nobody in any more."""
        self._set_password(secrets.token_hex(8), datetime.now(tz=UTC))

    def answer(self, method: str, path: str, headers: Any, body: str) -> dict[str, Any]:
        plain = path.partition("?")[0]
        if plain == "/.well-known/databricks-config":
            return {"oidc_endpoint": f"{self.url}/oidc", "workspace_id": "1"}
        if plain.startswith("/oidc/"):
            return self._login(plain, headers)
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self._access:
            raise RefusedError(
                401, "UNAUTHENTICATED", "Invalid access token. Visit https://docs.databricks.com"
            )
        if self.forbidden:
            raise RefusedError(403, "PERMISSION_DENIED", "User does not have permission to use the database.")
        with self._lock:
            self.asked[f"{method} {plain}"] += 1
        routes: dict[str, Callable[[], dict[str, Any]]] = {
            "GET /api/2.0/preview/scim/v2/Me": lambda: {"userName": ADA, "id": "1"},
            "GET /api/2.0/database/instances": lambda: {"database_instances": [self._instance()]},
            f"GET /api/2.0/database/instances/{INSTANCE}": self._instance,
            f"GET /api/2.0/postgres/{ENDPOINT}": self._endpoint,
            "POST /api/2.0/database/credentials": lambda: self._instance_credential(json.loads(body)),
            "POST /api/2.0/postgres/credentials": lambda: self._endpoint_credential(json.loads(body)),
        }
        if f"{method} {plain}" not in routes:
            raise RefusedError(404, "NOT_FOUND", f"{plain} does not exist.")
        return routes[f"{method} {plain}"]()

    def _instance(self) -> dict[str, Any]:
        found = {"name": INSTANCE, "state": "AVAILABLE" if self.host else "STOPPED", "uid": "u-1"}
        return found | ({"read_write_dns": self.host} if self.host else {})

    def _endpoint(self) -> dict[str, Any]:
        hosts = {"hosts": {"host": self.host}} if self.host else {}
        return {
            "name": ENDPOINT,
            "status": {"current_state": "ACTIVE", "endpoint_type": "ENDPOINT_TYPE_READ_WRITE", **hosts},
        }

    def _instance_credential(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("instance_names") != [INSTANCE] or not body.get("request_id"):
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "instance_names is wrong")
        token, expires = self._token()
        return {"token": token, "expiration_time": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _endpoint_credential(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("endpoint") != ENDPOINT:
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "endpoint is wrong")
        token, expires = self._token()
        return {"token": token, "expire_time": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _token(self) -> tuple[str, datetime]:
        with self._lock:
            token, expires = f"eyJ-{secrets.token_hex(20)}", datetime.now(tz=UTC) + self.lifetime
            self.tokens.append(token)
            self._set_password("another" if self.broken else token, expires)
        return token, expires

    def _set_password(self, password: str, until: datetime) -> None:
        self.postgres.execute(
            "ALTER ROLE {} PASSWORD {} VALID UNTIL {}", Identifier(ADA), password, until.isoformat()
        )

    def _login(self, path: str, headers: Any) -> dict[str, Any]:
        """The login of a service principal, as OAuth has it."""
        if path == "/oidc/.well-known/oauth-authorization-server":
            return {
                "authorization_endpoint": f"{self.url}/oidc/v1/authorize",
                "token_endpoint": f"{self.url}/oidc/v1/token",
            }
        wanted = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("Authorization") != f"Basic {wanted}":
            raise RefusedError(401, "invalid_client", "Client authentication failed")
        access = secrets.token_hex(8)
        self._access.add(access)
        return {"access_token": access, "token_type": "Bearer", "expires_in": 3600}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None: ...

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                try:
                    status, found = 200, stand_in.answer(self.command, self.path, self.headers, body)
                except RefusedError as error:
                    status, found = error.status, {"error_code": error.code, "message": str(error)}
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _answer  # noqa: N815 - the base's names

        return Handler

"""The web as an application under test sees it: HTTPS hosts that it names itself, answered on this machine.

An application whose code names a host is told of a proxy by its environment. The proxy answers in that host's place,
over TLS, with a certificate of an authority that the same environment names. Not a line of the application changes.
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from support.certificates import authority, issue, write_pem


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request as it arrived at ``host``."""

    host: str
    method: str
    path: str
    query: Mapping[str, str]


Answer = Callable[[Visit], Any]


@dataclass
class Web:
    """A proxy on a free port of 127.0.0.1 while its ``with`` block runs. ``answer`` gives the JSON of each answer."""

    answer: Answer
    folder: Path
    visits: list[Visit] = field(default_factory=list[Visit])

    def __post_init__(self) -> None:
        self._authority, self._key = authority()
        write_pem(self.folder / "authority.crt", self._authority)
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process find these hosts here, and its other servers on this machine as before."""
        proxy = f"http://127.0.0.1:{self._http.server_address[1]}"
        trusted = str(self.folder / "authority.crt")
        names = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        return {
            **names,
            "no_proxy": names["NO_PROXY"],
            "SSL_CERT_FILE": trusted,
            "REQUESTS_CA_BUNDLE": trusted,
        }

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="web")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def certified(self, host: str) -> ssl.SSLContext:
        """A server's side of TLS for ``host``."""
        with self._lock:
            if not (self.folder / f"{host}.crt").exists():
                issue(self.folder, host, host, self._authority, self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{host}.crt", self.folder / f"{host}.key")
        return context


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = ""

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.host = self.path.rpartition(":")[0]
            self.connection: socket.socket = web.certified(self.host).wrap_socket(
                self.connection, server_side=True
            )
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
            self.close_connection = False

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            visit = Visit(
                host=self.host, method=self.command, path=parts.path, query=dict(parse_qsl(parts.query))
            )
            web.visits.append(visit)
            data = json.dumps(web.answer(visit)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the base's names

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # the server closes the plain socket alone

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler

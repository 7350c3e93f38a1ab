"""An OpenAI-compatible model server for tests: real HTTP, scripted answers, failures on demand.

    def answer(request: Received) -> Reply | Failure | str:
        return "fell by 12%" if request.turn == 1 else Reply(calls=(Call("run_sql", {"query": "SELECT 1"}),))

    with ModelServer(answer) as server:
        client = AsyncOpenAI(base_url=server.url, api_key="none")
        server.latency = 0.5
        server.fail_next(Failure(429), times=2)
        ...
        assert server.count == 3

It speaks chat completions, streamed too, responses, Anthropic's messages and Gemini's ``generateContent``, wherever
the path before these ends: ``/v1/chat/completions`` as well as ``/serving-endpoints/chat/completions``.
"""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

from support.model_wire import (
    CHAT,
    Call,
    Failure,
    Raw,
    Received,
    Reply,
    encode_reply,
    encode_stream,
    served,
)

__all__ = ["Call", "Failure", "ModelServer", "Raw", "Received", "Reply", "in_order"]

Answer: TypeAlias = str | Reply | Raw | Failure
Script: TypeAlias = Callable[[Received], Answer]


def in_order(*answers: Answer) -> Script:
    """A script that gives each answer once, in the order of arrival, and a 500 after the last."""
    left = deque(answers)

    def script(_request: Received) -> Answer:
        return left.popleft() if left else Failure(500, "the script has no answer left")

    return script


@dataclass
class ModelServer:
    """A server on a free port of 127.0.0.1, running while its ``with`` block does.

    ``latency`` is in seconds, from the arrival of a request to its answer. ``requests`` holds every
    request that arrived, failed ones included. A script that raises gives a 500, and the block raises it.
    """

    script: Script | str | Reply = "ok"
    latency: float = 0.0
    requests: list[Received] = field(default_factory=list[Received])
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._failures: deque[Failure] = deque()
        self._problems: list[Exception] = []

    @property
    def url(self) -> str:
        """The base URL for a client, ending in ``/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def count(self) -> int:
        return len(self.requests)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]

    def fail_next(self, failure: Failure, *, times: int = 1) -> None:
        """Answer the next ``times`` requests with ``failure``, before the script is asked again."""
        self._failures.extend([failure] * times)

    @contextmanager
    def held(self) -> Generator[None]:
        """Let requests arrive, and answer none of them before the block ends."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def wait_for(self, count: int, *, seconds: float = 10.0) -> None:
        """Block until ``count`` requests have arrived in all; TimeoutError after ``seconds``."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.count >= count, seconds):
                raise TimeoutError(f"{self.count} of {count} requests arrived within {seconds} s")

    def __enter__(self) -> Self:
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="model-server")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._open.set()
        self._http.stop()
        self._thread.join()
        if error is None and self._problems:
            raise self._problems[0]

    def _answer(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> tuple[Received, Answer]:
        due = time.monotonic() + self.latency
        with self._changed:
            request = Received(path=path, headers=dict(headers), body=body, number=self.count)
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            failure = self._failures.popleft() if self._failures else None
            self._changed.notify_all()
        try:
            answer = failure or self._scripted(request)
            self._open.wait()
            self._closing.wait(max(0.0, due - time.monotonic()))
            return request, answer
        finally:
            with self._changed:
                self.in_flight -= 1

    def _scripted(self, request: Received) -> Answer:
        try:
            return self.script(request) if callable(self.script) else self.script
        except Exception as error:
            self._problems.append(error)
            return Failure(500, f"the script raised {error!r}")


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 256

    def __init__(self, server: ModelServer) -> None:
        self.model = server
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news to a test."""

    def stop(self) -> None:
        self.shutdown()
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = served(self.path)
        if path is None or (path != CHAT and body.get("stream")):
            self._send(404, {"error": {"message": f"{self.path} is not served, nor is such a stream"}}, {})
            return
        request, answer = self.server.model._answer(path, dict(self.headers), body)
        if isinstance(answer, Failure):
            self._fail(answer)
        elif isinstance(answer, Raw):
            self._write(answer.status, answer.body, {"Content-Type": answer.kind} if answer.kind else {})
        else:
            reply = Reply(text=answer) if isinstance(answer, str) else answer
            if body.get("stream"):
                self._write(
                    200, encode_stream(request, reply).encode(), {"Content-Type": "text/event-stream"}
                )
            else:
                self._send(200, encode_reply(request, reply), {})

    def _fail(self, failure: Failure) -> None:
        if failure.drop:
            self.close_connection = True
            _hang_up(self.connection)
            return
        error = {"message": failure.message, "type": "server_error", "code": failure.code}
        self._send(failure.status, {"error": error}, failure.headers)

    def _send(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self._write(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def _write(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept in ``ModelServer.requests``, not printed."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return

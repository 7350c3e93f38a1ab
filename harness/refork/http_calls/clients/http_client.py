"""Intercepts the requests of the standard library's http.client, which urllib.request uses."""

import http.client
import io
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from refork.http_calls.watch import passing, watch_here
from refork.http_calls.wire import OutgoingRequest, Received, received
from refork.redaction.process_secrets import hold_headers

_ANSWER: Final = "_refork_answer"
"""The attribute of a connection with the answer that its next ``getresponse`` returns."""


@contextmanager
def patched() -> Generator[None]:
    connection: Any = http.client.HTTPConnection
    request, getresponse = connection.request, connection.getresponse

    def request_watched(
        self: Any, method: str, url: str, body: Any = None, headers: Any = None, **options: Any
    ) -> None:
        watch = watch_here()
        headers = {} if headers is None else headers
        if watch is None:
            request(self, method, url, body, headers, **options)
            return
        content = _bytes(body)
        hold_headers(headers)

        def go(sent: OutgoingRequest) -> Received:
            changed = sent.body != content
            now = (sent.body, _sized(headers, sent.body)) if changed else (body, headers)
            with passing():
                try:
                    request(self, method, _target(sent.url) if changed else url, *now, **options)
                    response = getresponse(self)
                    return received(response.status, response.getheaders(), response.read())
                finally:
                    self.close()  # another attempt opens it again

        sent = OutgoingRequest(method=method, url=_whole(self, url), body=content)
        answer = watch.exchange(sent, go)
        if answer is not None:
            setattr(self, _ANSWER, _answered(answer, method))
            return
        with passing():
            request(self, method, url, body, headers, **options)

    def getresponse_watched(self: Any) -> Any:
        answer = self.__dict__.pop(_ANSWER, None)
        return getresponse(self) if answer is None else answer

    connection.request, connection.getresponse = request_watched, getresponse_watched
    try:
        yield
    finally:
        connection.request, connection.getresponse = request, getresponse


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


def _whole(connection: Any, url: str) -> str:
    scheme = "https" if isinstance(connection, http.client.HTTPSConnection) else "http"
    return url if "://" in url else f"{scheme}://{connection.host}:{connection.port}{url}"


def _target(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def _sized(headers: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    others = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return others | {"Content-Length": str(len(body))}


class _ReadableSocket:
    """Stands for a socket from which a whole response can be read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_args: Any, **_rest: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def _answered(answer: Received, method: str) -> http.client.HTTPResponse:
    lines = [f"HTTP/1.1 {answer.status} ", *(f"{name}: {value}" for name, value in answer.headers)]
    head = "\r\n".join([*lines, f"Content-Length: {len(answer.body)}", "", ""])
    fake: Any = _ReadableSocket(head.encode("latin-1", "replace") + answer.body)
    response = http.client.HTTPResponse(fake, method=method)
    response.begin()
    return response

"""Intercepts the requests of urllib3, which requests uses."""

import importlib
import io
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from refork.http_calls.watch import passing, watch_here
from refork.http_calls.wire import OutgoingRequest, Received, received
from refork.redaction.process_secrets import hold_headers


@contextmanager
def patched() -> Generator[None]:
    if find_spec("urllib3") is None:
        yield
        return
    urllib3: Any = importlib.import_module("urllib3")
    pool: Any = urllib3.connectionpool.HTTPConnectionPool
    original = pool.urlopen

    def urlopen(
        self: Any, method: str, url: str, body: Any = None, headers: Any = None, *rest: Any, **options: Any
    ) -> Any:
        watch = watch_here()
        if watch is None:
            return original(self, method, url, body, headers, *rest, **options)
        port = "" if self.port is None else f":{self.port}"
        content = _bytes(body)
        hold_headers(headers)

        def go(sent: OutgoingRequest) -> Received:
            changed = sent.body != content
            options_now = {**options, "preload_content": False, "decode_content": True}
            with passing():
                response = original(
                    self,
                    sent.method,
                    _target(sent.url) if changed else url,
                    sent.body if changed else body,
                    _headers(headers, sent.body) if changed else headers,
                    *rest,
                    **options_now,
                )
                data = response.read(decode_content=True)
            return received(response.status, response.headers.items(), data)

        sent = OutgoingRequest(
            method=method, url=_whole(f"{self.scheme}://{self.host}{port}", url), body=content
        )
        answer = watch.exchange(sent, go)
        if answer is not None:
            return _answered(urllib3, method, url, answer, preload=options.get("preload_content", True))
        with passing():
            return original(self, method, url, body, headers, *rest, **options)

    pool.urlopen = urlopen
    try:
        yield
    finally:
        pool.urlopen = original


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _whole(origin: str, url: str) -> str:
    """Return the whole URL, which is what a proxy is asked for."""
    return url if "://" in url else origin + url


def _target(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def _headers(headers: Any, body: bytes) -> Any:
    others = {name: value for name, value in (headers or {}).items() if str(name).lower() != "content-length"}
    return others | {"Content-Length": str(len(body))}


def _answered(urllib3: Any, method: str, url: str, answer: Received, *, preload: bool) -> Any:
    return urllib3.response.HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=urllib3.HTTPHeaderDict(answer.headers),
        status=answer.status,
        version=11,
        reason=None,
        preload_content=preload,
        decode_content=False,
        request_method=method,
        request_url=url,
    )

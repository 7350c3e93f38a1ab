"""Intercepts the requests of aiohttp, if it is installed."""

import asyncio
import importlib
import inspect
import json
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from refork.http_calls.watch import passing, watch_here
from refork.http_calls.wire import OutgoingRequest, Received, received
from refork.redaction.process_secrets import hold_headers


@contextmanager
def patched() -> Generator[None]:
    if find_spec("aiohttp") is None:
        yield
        return
    aiohttp: Any = importlib.import_module("aiohttp")
    session: Any = aiohttp.ClientSession
    original = session._request

    async def request(self: Any, method: str, url: Any, **options: Any) -> Any:
        watch = watch_here()
        if watch is None:
            return await original(self, method, url, **options)
        whole = self._build_url(url)
        hold_headers(self.headers)
        hold_headers(options.get("headers"))
        sent = OutgoingRequest(method=method, url=str(whole), body=_body(self, options))

        async def go(changed: OutgoingRequest) -> Received:
            with passing():
                response = await original(self, method, url, **_changed(options, sent, changed))
                async with response:
                    data = await response.read()
            return received(response.status, response.headers.items(), data)

        answer = await watch.exchange_async(sent, go)
        if answer is not None:
            return _answered(aiohttp, self, method, whole, answer)
        with passing():
            return await original(self, method, url, **options)

    session._request = request
    try:
        yield
    finally:
        session._request = original


def _body(session: Any, options: dict[str, Any]) -> bytes:
    if options.get("json") is not None:
        written = session.json_serialize(options["json"])
        return written if isinstance(written, bytes) else str(written).encode()
    data = options.get("data")
    if isinstance(data, str):
        return data.encode()
    return data if isinstance(data, bytes) else b""


def _changed(options: dict[str, Any], sent: OutgoingRequest, changed: OutgoingRequest) -> dict[str, Any]:
    if sent == changed:
        return options
    others = {name: value for name, value in options.items() if name not in ("json", "data")}
    return {**others, "json": json.loads(changed.body)}


def _answered(aiohttp: Any, session: Any, method: str, url: Any, answer: Received) -> Any:
    """Return a response as the library makes it, whose stream contains the whole body."""
    helpers: Any = importlib.import_module("aiohttp.helpers")
    streams: Any = importlib.import_module("aiohttp.streams")
    multidict: Any = importlib.import_module("multidict")
    loop = asyncio.get_running_loop()
    headers = multidict.CIMultiDictProxy(multidict.CIMultiDict(answer.headers))
    sent_headers = multidict.CIMultiDictProxy(multidict.CIMultiDict())
    info = aiohttp.RequestInfo(url, method, sent_headers, url)
    takes = inspect.signature(aiohttp.ClientResponse.__init__).parameters
    known: dict[str, Any] = {"stream_writer": _Written()} if "stream_writer" in takes else {}
    response = aiohttp.ClientResponse(
        method,
        url,
        writer=None,
        continue100=None,
        timer=helpers.TimerNoop(),
        request_info=info,
        traces=[],
        loop=loop,
        session=session,
        **known,
    )
    content = streams.StreamReader(_NoProtocol(), 2**16, loop=loop)
    content.feed_data(answer.body)
    content.feed_eof()
    response.status, response.reason = answer.status, ""
    response._headers, response._raw_headers = headers, ()
    response.content = content
    return response


class _Written:
    """Stands for the writer of a request that was not sent."""

    output_size = 0


class _NoProtocol:
    """Stands for the connection of a stream, which has none."""

    _reading_paused = False

    def pause_reading(self, *_args: Any, **_rest: Any) -> None: ...

    def resume_reading(self, *_args: Any, **_rest: Any) -> None: ...

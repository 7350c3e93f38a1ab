"""Intercepts the requests of httpx and httpx2, which openai, anthropic, mistralai, groq, LangChain and LiteLLM use."""

import importlib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final

from refork.http_calls.clients.keys import NO_KEY
from refork.http_calls.watch import passing, watch_here
from refork.http_calls.wire import OutgoingRequest, Received, received
from refork.redaction.process_secrets import hold_headers

LIBRARIES: Final = ("httpx", "httpx2")
_NOT_COPIED: Final = frozenset({"content-length", "transfer-encoding"})


@contextmanager
def patched() -> Generator[None]:
    with ExitStack() as stack:
        for name in LIBRARIES:
            if find_spec(name) is not None:
                stack.enter_context(_patched(importlib.import_module(name)))
        yield


@contextmanager
def _patched(library: Any) -> Generator[None]:
    """Patch ``send``, which every request of a client passes before its authentication is used."""
    sync, async_ = library.Client.send, library.AsyncClient.send

    def send(client: Any, request: Any, **options: Any) -> Any:
        watch = watch_here()
        if watch is None:
            return sync(client, request, **options)

        def go(sent: OutgoingRequest) -> Received:
            with passing():
                response = sync(client, _changed(library, request, sent), **{**options, "stream": False})
            return received(response.status_code, response.headers.multi_items(), response.content)

        if _is_json(request):
            request.read()
        answer = watch.exchange(_sent(request), go)
        if answer is not None:
            return _answered(library, request, answer)
        with passing():
            return sync(client, request, **options)

    async def send_async(client: Any, request: Any, **options: Any) -> Any:
        watch = watch_here()
        if watch is None:
            return await async_(client, request, **options)

        async def go(sent: OutgoingRequest) -> Received:
            with passing():
                response = await async_(
                    client, _changed(library, request, sent), **{**options, "stream": False}
                )
            return received(response.status_code, response.headers.multi_items(), response.content)

        if _is_json(request):
            await request.aread()
        answer = await watch.exchange_async(_sent(request), go)
        if answer is not None:
            return _answered(library, request, answer)
        with passing():
            return await async_(client, request, **options)

    library.Client.send, library.AsyncClient.send = send, send_async
    try:
        yield
    finally:
        library.Client.send, library.AsyncClient.send = sync, async_


def _is_json(request: Any) -> bool:
    return "json" in request.headers.get("content-type", "")


def _sent(request: Any) -> OutgoingRequest:
    hold_headers(request.headers)
    keys = (request.headers.get(name, "") for name in ("authorization", "api-key"))
    return OutgoingRequest(
        method=request.method,
        url=str(request.url),
        body=request.content if _is_json(request) else b"",
        keyless=any(NO_KEY in key for key in keys),
    )


def _changed(library: Any, request: Any, sent: OutgoingRequest) -> Any:
    if sent == _sent(request):
        return request
    headers = [
        (name, value) for name, value in request.headers.multi_items() if name.lower() not in _NOT_COPIED
    ]
    return library.Request(
        sent.method, sent.url, headers=headers, content=sent.body, extensions=request.extensions
    )


def _answered(library: Any, request: Any, answer: Received) -> Any:
    response = library.Response(
        answer.status, headers=list(answer.headers), content=answer.body, request=request
    )
    response.elapsed = timedelta()
    return response

"""What a watched step opens beside its model's requests: refused in every thread and loop; nothing stays patched."""

import asyncio
import http.client
import socket
import sqlite3
import subprocess
import threading
import urllib.request
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import psycopg
import pytest
import requests
import urllib3
from refork.http_calls import OutgoingRequest, Received, passing, patched, watching
from refork.http_calls.guards.effects import EffectRefusedError, no_effects

URL = "http://127.0.0.1:9/somewhere"


class RefusedError(Exception):
    pass


class Refusing:
    changed = False

    def __init__(self) -> None:
        self.seen: list[str] = []

    def exchange(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Received], /
    ) -> Received | None:
        self.seen.append(f"{sent.method} {sent.url}")
        raise RefusedError(sent.url)

    async def exchange_async(
        self, sent: OutgoingRequest, send: Callable[[OutgoingRequest], Awaitable[Received]], /
    ) -> Received | None:
        return self.exchange(sent, lambda _sent: Received(status=200))

    def connects(self, what: str) -> None:
        self.seen.append(what)
        raise RefusedError(what)


@pytest.fixture
def watch() -> Generator[Refusing]:
    with patched():
        yield Refusing()


async def _aiohttp() -> None:
    async with aiohttp.ClientSession() as session, session.get(URL):
        pass


async def _asyncio() -> None:
    await asyncio.open_connection("127.0.0.1", 9)


def _datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("127.0.0.1", 9))


OPENING: dict[str, Callable[[], object]] = {
    "httpx": lambda: httpx.get(URL),
    "httpx, async": lambda: asyncio.run(httpx.AsyncClient().get(URL)),
    "httpx2": lambda: httpx2.get(URL),
    "requests": lambda: requests.get(URL, timeout=1),
    "urllib3": lambda: urllib3.PoolManager().request("GET", URL),
    "urllib": lambda: urllib.request.urlopen(URL, timeout=1),
    "http.client": lambda: http.client.HTTPConnection("127.0.0.1", 9).request("GET", "/somewhere"),
    "aiohttp": lambda: asyncio.run(_aiohttp()),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
    "a datagram": _datagram,
    "a stream of asyncio": lambda: asyncio.run(_asyncio()),
    "psycopg": lambda: psycopg.connect("host=127.0.0.1 port=9 connect_timeout=1"),
    "psycopg, async": lambda: asyncio.run(
        psycopg.AsyncConnection.connect("host=127.0.0.1 port=9 connect_timeout=1")
    ),
}


@pytest.mark.parametrize("how", OPENING)
def test_it_is_refused(watch: Refusing, how: str) -> None:
    with watching(watch), pytest.raises(RefusedError):
        OPENING[how]()
    assert len(watch.seen) == 1


@pytest.mark.parametrize("how", OPENING)
def test_it_is_let_through_where_it_is_not_watched(watch: Refusing, how: str) -> None:
    with watching(watch), passing(), pytest.raises(Exception) if how != "a datagram" else passing():  # noqa: PT011
        OPENING[how]()
    assert watch.seen == []


def test_a_connection_that_was_open_before_sends_nothing(watch: Refusing) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        with watching(watch):
            for send in (client.send, client.sendall):
                with pytest.raises(RefusedError, match="which was open already"):
                    send(b"x")
        client.sendall(b"x")


def test_threads_and_pools_are_watched_as_who_gives_them_work(watch: Refusing) -> None:
    def opened() -> object:
        return socket.create_connection(("127.0.0.1", 9))

    refused: list[BaseException] = []

    def noted() -> None:
        try:
            opened()
        except Exception as error:
            refused.append(error)

    with ThreadPoolExecutor(1) as pool:
        with watching(watch):
            assert isinstance(pool.submit(opened).exception(), RefusedError)
            thread = threading.Thread(target=noted)
            thread.start()
            thread.join()
        assert isinstance(refused[0], RefusedError)
        # The pool's thread was started by a step, and works for another now.
        assert isinstance(pool.submit(opened).exception(), ConnectionRefusedError)


def test_the_event_loop_may_wake_itself(watch: Refusing) -> None:
    with watching(watch):
        assert asyncio.run(asyncio.to_thread(lambda: 1)) == 1


def test_the_patches_are_removed_at_the_end() -> None:
    places: list[tuple[Any, str]] = [
        (httpx.Client, "send"),
        (httpx2.AsyncClient, "send"),
        (urllib3.connectionpool.HTTPConnectionPool, "urlopen"),
        (http.client.HTTPConnection, "request"),
        (aiohttp.ClientSession, "_request"),
        (socket.socket, "connect"),
        (socket.socket, "send"),
        (psycopg.Connection, "wait"),
        (threading.Thread, "start"),
        (ThreadPoolExecutor, "submit"),
    ]
    before = [getattr(kind, name) for kind, name in places]
    own = "connect" in vars(socket.socket)
    with patched():
        assert [getattr(kind, name) for kind, name in places] == before
        with watching(Refusing()):
            assert all(a is not b for a, b in zip([getattr(k, n) for k, n in places], before, strict=True))
    assert [getattr(kind, name) for kind, name in places] == before
    assert ("connect" in vars(socket.socket)) == own


ACTING: dict[str, Callable[[Path], object]] = {
    "a file": lambda folder: (folder / "x").write_text("x"),
    "a folder": lambda folder: (folder / "x").mkdir(),
    "an end of a file": lambda folder: (folder / "there").unlink(),
    "a process": lambda folder: subprocess.run(["true"], check=False, cwd=folder),
    "a database": lambda folder: sqlite3.connect(folder / "x.sqlite"),
    "a connection": lambda _folder: socket.create_connection(("127.0.0.1", 9)),
}


@pytest.mark.parametrize("how", ACTING)
def test_code_that_is_only_looked_at_does_not_act(tmp_path: Path, how: str) -> None:
    (tmp_path / "there").write_text("as it was")
    with no_effects() as refused:
        with pytest.raises(EffectRefusedError):
            ACTING[how](tmp_path)
        assert (tmp_path / "there").read_text() == "as it was"
    assert len(refused) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    Context().run((tmp_path / "x").write_text, "x")  # others go on

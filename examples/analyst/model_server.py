"""A stand-in for a model server: it replays recorded answers over HTTP, and makes up none.

    python model_server.py --port 0 --recordings recordings/answers.jsonl
    python model_server.py --port 0 --recordings new.jsonl --record --upstream http://127.0.0.1:8080/v1

It speaks OpenAI's chat completions, without streaming. Several answers to one request are given in the
order in which they were recorded, and from the first again after the last. A request that was not
recorded gets a 404.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from model_recordings import Exchange, Recordings, RecordingsError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

UPSTREAM_TIMEOUT = 600.0


class Upstream:
    """A live endpoint. ``model`` is what it is asked for, whatever the application calls it."""

    def __init__(self, url: str, model: str | None = None) -> None:
        self.url = url.rstrip("/") + "/chat/completions"
        self.model = model

    async def ask(self, body: dict[str, Any], authorization: str | None) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. OSError if there is none."""
        return await asyncio.to_thread(self._ask, body, authorization)

    def _ask(self, body: dict[str, Any], authorization: str | None) -> tuple[int, dict[str, Any]]:
        asked = {**body, "model": self.model or body.get("model")}
        headers = {"Content-Type": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        request = urllib.request.Request(self.url, json.dumps(asked).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=UPSTREAM_TIMEOUT) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)


class StandIn:
    """Answers requests out of ``recordings``, or, given an ``upstream``, from there while recording.

    With ``draws``, a request that has so many recorded answers is replayed all the same: recordings can be
    added to, and what is there stays what it is.
    """

    def __init__(
        self, recordings: Recordings, upstream: Upstream | None = None, draws: int | None = None
    ) -> None:
        self.recordings = recordings
        self.upstream = upstream
        self.draws = draws
        self.counts = {"served": 0, "repeated": 0, "missed": 0, "recorded": 0}

    async def complete(self, request: Request) -> JSONResponse:
        try:
            body = await request.json()
        except ValueError:
            return _error(400, "the body is no JSON", "invalid_json")
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return _error(400, "the body needs messages", "invalid_request")
        if body.get("stream"):
            return _error(400, "this stand-in does not stream", "no_streaming")
        if self.upstream is None or self.recordings.has_answer(body, self.draws):
            return self._replay(body)
        return await self._record(self.upstream, body, request.headers.get("Authorization"))

    def _replay(self, body: dict[str, Any]) -> JSONResponse:
        found = self.recordings.next_answer(body)
        if found is None:
            self.counts["missed"] += 1
            return _error(404, self.recordings.why_not(body), "not_recorded")
        answer, repeated = found
        self.counts["served"] += 1
        self.counts["repeated"] += repeated
        return JSONResponse(answer)

    async def _record(
        self, upstream: Upstream, body: dict[str, Any], authorization: str | None
    ) -> JSONResponse:
        try:
            status, answer = await upstream.ask(body, authorization)
        except (OSError, ValueError) as problem:
            return _error(502, f"{upstream.url} gave no answer: {problem}", "no_upstream")
        if status != 200:
            return JSONResponse(answer, status_code=status)
        exchange = Exchange.of(body, answer)
        self.recordings.append(exchange)
        self.recordings.arrivals[exchange.digest] += 1
        self.counts["recorded"] += 1
        return JSONResponse(exchange.response)

    async def models(self, _: Request) -> JSONResponse:
        models = [{"id": name, "object": "model", "owned_by": "recording"} for name in self.recordings.models]
        return JSONResponse({"object": "list", "data": models})

    async def stats(self, _: Request) -> JSONResponse:
        return JSONResponse(self.counts)

    def app(self, lifespan: Any = None) -> Starlette:
        routes = [
            Route("/v1/chat/completions", self.complete, methods=["POST"]),
            Route("/v1/models", self.models),
            Route("/stats", self.stats),
        ]
        return Starlette(routes=routes, lifespan=lifespan)


def _error(status: int, message: str, code: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status_code=status)


def announce(url: str, ready_file: Path | None) -> None:
    print(url, flush=True)
    if ready_file is not None:
        partial = ready_file.with_name(ready_file.name + ".partial")
        partial.write_text(url, encoding="utf-8")
        partial.replace(ready_file)


def serve(stand_in: StandIn, *, host: str, port: int, ready_file: Path | None) -> None:
    with socket.create_server((host, port)) as listening:
        url = f"http://{host}:{listening.getsockname()[1]}/v1"

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None]:
            announce(url, ready_file)
            yield

        config = uvicorn.Config(stand_in.app(lifespan), log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])


def about(model: str | None, notes: list[str]) -> dict[str, str]:
    """The header of new recordings: who answered, when, and what else there is to know."""
    said = {"endpoint": "OpenAI-compatible chat completions", "upstream_model": model or "as asked for"}
    said |= {"recorded": datetime.now(UTC).date().isoformat()}
    return said | dict(note.split("=", 1) for note in notes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="model_server.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--recordings", type=Path, required=True, metavar="FILE")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="where to write the URL once ready")
    parser.add_argument("--record", action="store_true", help="ask --upstream, and append what it answers")
    parser.add_argument("--upstream", metavar="URL", help="base URL of a live endpoint, ending in /v1")
    parser.add_argument(
        "--draws",
        type=int,
        metavar="N",
        help="with --record: ask for what has fewer answers than N, replay the rest",
    )
    parser.add_argument("--upstream-model", metavar="NAME", help="what the live endpoint calls the model")
    parser.add_argument(
        "--note", action="append", default=[], metavar="KEY=VALUE", help="for the header of a new recording"
    )
    options = parser.parse_args()
    if options.record != bool(options.upstream):
        parser.error("--record and --upstream URL go together")
    if any("=" not in note for note in options.note):
        parser.error("--note takes KEY=VALUE")
    return options


def main() -> int:
    options = _options()
    try:
        if options.record:
            upstream = Upstream(options.upstream, options.upstream_model)
            header = about(options.upstream_model, options.note)
            stand_in = StandIn(Recordings.open(options.recordings, header), upstream, options.draws)
        else:
            stand_in = StandIn(Recordings.load(options.recordings))
        serve(stand_in, host=options.host, port=options.port, ready_file=options.ready_file)
    except (RecordingsError, OSError) as problem:
        print(f"model_server.py: {problem}", file=sys.stderr)
        return os.EX_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The stand-in server as a process of its own, the way that people start it."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
RECORDINGS = PROJECT / "recordings" / "answers.jsonl"
START_TIMEOUT = 30.0


@contextmanager
def model_server(tmp_path: Path, *options: str, recordings: Path = RECORDINGS) -> Generator[str]:
    """Its URL, ending in /v1. It runs while the block does."""
    ready = tmp_path / f"ready-{time.monotonic_ns()}"
    command = [sys.executable, str(PROJECT / "model_server.py"), "--port", "0"]
    command += ["--recordings", str(recordings), "--ready-file", str(ready), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield _url(server, ready)
        finally:
            server.terminate()


def _url(server: subprocess.Popen[str], ready: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server is not ready (exit code {server.poll()})")
        time.sleep(0.02)
    return ready.read_text(encoding="utf-8")


def post(url: str, body: object) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a chat completion."""
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


def stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=30) as answer:
        counts: dict[str, int] = json.load(answer)
        return counts

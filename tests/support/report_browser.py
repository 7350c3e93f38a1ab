"""A real browser for the tests of the page: headless Chromium, driven over its debugging pipe."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

# Chromium reads commands from descriptor 3 and writes to 4; only the child can arrange that.
_LAUNCH = """
import fcntl, os, sys
reader, writer = (fcntl.fcntl(int(given), fcntl.F_DUPFD, 10) for given in sys.argv[1:3])
os.dup2(reader, 3), os.dup2(writer, 4)
os.close(reader), os.close(writer)
os.execv(sys.argv[3], sys.argv[3:])
"""

DRAWN: Final = """
new Promise((done, fail) => {
  const look = () => (document.querySelector('.trials > details') ? done(true) : setTimeout(look, 5));
  look();
  setTimeout(() => fail(new Error('no trial was drawn')), 30000);
})
"""
"""Waits until the report has read its data and drawn what is open."""

OPEN_ALL: Final = """
(async () => {
  const closed = () => [...document.querySelectorAll('details:not([open])')];
  for (let items = closed(); items.length; items = closed()) {
    for (const item of items) item.open = true;
    await new Promise((done) => setTimeout(done, 20));
  }
})()
"""


class Browser:
    """One tab. ``requests`` are the addresses that it asked for, ``complaints`` what the console got."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self._fired: set[str] = set()
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def start(self) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.send(f"{domain}.enable")

    def open(
        self,
        page: Path,
        *,
        anchor: str = "",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        scripts: bool = True,
    ) -> None:
        self.requests.clear()
        self.complaints.clear()
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media="", features=[scheme])
        self._load("about:blank")  # an address that differs in its anchor alone would load nothing
        self.requests.clear()
        self._load(f"{page.as_uri()}#{anchor}" if anchor else page.as_uri())

    def _load(self, address: str) -> None:
        self._fired.clear()
        self.send("Page.navigate", url=address)
        while "Page.loadEventFired" not in self._fired:
            self._take(self._message())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        text = {"Enter": "\r", "Tab": "", "Escape": ""}.get(key, key)
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text)

    def screenshot(self, file: Path) -> None:
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))

    def memory(self) -> int:
        """Return the bytes that the tab's process has without its garbage, with its share of what is common to many."""
        self.send("HeapProfiler.collectGarbage")
        session, self._session = self._session, None  # the browser, not the tab, knows its processes
        found = self.send("SystemInfo.getProcessInfo")["processInfo"]
        self._session = session
        renderers = [Path(f"/proc/{each['id']}/smaps_rollup") for each in found if each["type"] == "renderer"]
        shared = "".join(file.read_text() for file in renderers)
        return 1024 * max(
            map(int, re.findall(r"^Pss: +(\d+) kB", shared, re.MULTILINE))
        )  # the others are spare

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != message["id"]:
            self._take(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 16)
            assert piece, "Chromium went away"
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        return message

    def _take(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        self._fired.add(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(params))


MISSING: Final = (
    "Chromium is not installed: `apt-get install chromium`, or put chromium or google-chrome on PATH"
)


def need(executable: str | None) -> str:
    """Where the browser is. Without one these tests skip and say so, and in CI they fail."""
    if executable is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    return executable


@contextmanager
def browser(executable: str) -> Generator[Browser]:
    """A browser with an empty profile, gone with everything that it wrote at the end."""
    commands, to_commands = os.pipe()
    from_answers, answers = os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = [str(commands), str(answers), executable, *_FLAGS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *arguments],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        tab = Browser(from_answers, to_commands)
        try:
            tab.start()
            yield tab
        finally:
            _stop(process, tab)
            os.close(to_commands)
            os.close(from_answers)


def _stop(process: "subprocess.Popen[bytes]", tab: Browser) -> None:
    """Asked first, so that its own children end with it."""
    try:
        os.write(tab._write, b'{"id":0,"method":"Browser.close"}\0')
        process.wait(timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    time.sleep(0.1)  # the last of its children let go of the profile

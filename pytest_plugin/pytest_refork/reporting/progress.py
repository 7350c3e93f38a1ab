"""Prints the progress of the trials where it does not disturb other output."""

import time
from typing import Final, Protocol

import pytest
from refork_evals.evaluation.pace import Counts
from refork_reports.progress import costs

from pytest_refork._pytest_compat import TerminalReporter
from pytest_refork.reporting.screen import uncaptured

EVERY_SECONDS: Final = 30.0
"""Seconds between two lines if nothing can be redrawn."""


class Progress(Protocol):
    def show(self, counts: Counts) -> None:
        """Called a few times a second while pytest waits."""
        ...

    def clear(self) -> None:
        """Called before pytest writes again."""
        ...


def make_progress(config: pytest.Config) -> Progress:
    """Return a line that is redrawn on a terminal, occasional lines elsewhere, and nothing on a worker or with -qq."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    is_worker = hasattr(config, "workerinput")
    if is_worker or not isinstance(reporter, TerminalReporter) or config.get_verbosity() <= -2:
        return Silent()
    if reporter.isatty and config.get_terminal_writer().hasmarkup:
        return Redrawn(config)
    return Lines(config, reporter)


class Silent:
    def show(self, counts: Counts) -> None: ...

    def clear(self) -> None: ...


class Redrawn:
    """Draws to the right of whatever pytest has written, and leaves the cursor where it was."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._writer = config.get_terminal_writer()
        self._shown = ""

    def show(self, counts: Counts) -> None:
        room = self._writer.fullwidth - self._writer.width_of_current_line - 2
        self._draw(next((text for text in texts(counts) if len(text) <= room), ""))

    def clear(self) -> None:
        self._draw("")

    def _draw(self, text: str) -> None:
        if text == self._shown:
            return
        back = f"\x1b[{len(self._shown)}D\x1b[K" if self._shown else ""
        with uncaptured(self._config):
            # Raw, so that pytest does not count these columns as its own.
            self._writer.write_raw(back + text, flush=True)
        self._shown = text


class Lines:
    """Prints occasional lines of its own."""

    def __init__(self, config: pytest.Config, reporter: TerminalReporter) -> None:
        self._config = config
        self._reporter = reporter
        self._said_at = time.monotonic()

    def show(self, counts: Counts) -> None:
        if time.monotonic() - self._said_at >= EVERY_SECONDS:
            self._said_at = time.monotonic()
            with uncaptured(self._config):
                self._reporter.write_line(texts(counts)[0])
                self._reporter.flush()

    def clear(self) -> None: ...


def texts(counts: Counts) -> tuple[str, ...]:
    """Return the texts from the longest to the shortest, for lines with less space left."""
    done = f"{counts.done}/{counts.scheduled}"
    trials, rest = f"{done} trials", costs(counts)
    return (
        ", ".join([f"agent evals {trials}, {counts.running} running", *rest]),
        ", ".join([trials, *rest]),
        trials,
        done,
    )

"""Shows the progress of an evaluation's trials in a notebook or on a terminal."""

import importlib
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol

from refork.text import numbers as humanize
from refork_evals.evaluation.pace import Counts


class Display(Protocol):
    """A place that shows the progress of an evaluation."""

    def show(self, counts: Counts) -> None: ...

    def note(self, line: str) -> None:
        """Show a line that the user should read, such as that answers could not be cached."""
        ...

    def close(self) -> None: ...


@contextmanager
def shown(progress: bool | Callable[[Counts], None]) -> Generator[Display]:
    """Open the display that fits: a notebook's, a terminal's, or none if the output is not interactive."""
    if callable(progress):
        display: Display = _Told(progress)
    elif progress and _in_notebook():
        display = _Notebook()
    elif progress and sys.stderr.isatty():
        display = _Terminal()
    else:
        display = _Told(lambda _counts: None)
    try:
        yield display
    finally:
        display.close()


def words(counts: Counts) -> str:
    """Return ``12/40 trials, 8 running, $0.0042, about 12 s left``."""
    running = [f"{counts.running} running"] if counts.running else []
    return ", ".join([f"{counts.done}/{counts.scheduled} trials", *running, *costs(counts)])


def costs(counts: Counts) -> list[str]:
    """Return the cost so far and the time that is left: ``$0.0042`` and ``about 12 s left``.

    Without a price there are tokens. If more trials may be scheduled, it is ``at least 12 s left``.
    """
    paid, left = counts.paid, counts.seconds_left
    tokens = f"{humanize.tokens(paid.tokens)} tokens"
    said = [tokens if paid.cost_usd is None else humanize.money(paid.cost_usd)] if paid.trials else []
    if left is None:
        return said
    return [*said, f"{'at least' if counts.may_grow else 'about'} {humanize.duration(left)} left"]


class _Told:
    """Passes the progress to a function of the caller."""

    def __init__(self, function: Callable[[Counts], None]) -> None:
        self._function = function

    def show(self, counts: Counts) -> None:
        self._function(counts)

    def note(self, line: str) -> None:
        warnings.warn(line, stacklevel=2)

    def close(self) -> None: ...


class _Terminal:
    """Redraws one line on a terminal."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, counts: Counts) -> None:
        self._draw(words(counts))

    def note(self, line: str) -> None:
        self._draw("")
        sys.stderr.write(f"{line}\n")

    def close(self) -> None:
        self._draw("")

    def _draw(self, text: str) -> None:
        if text != self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
            self._shown = text


class _Notebook:
    """Replaces one output of the notebook's cell as the trials continue."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = ""

    def show(self, counts: Counts) -> None:
        text = words(counts)
        if text == self._shown:
            return
        self._shown = text
        data = {"text/plain": text}
        if self._handle is None:
            ipython: Any = importlib.import_module(
                "IPython.display"
            )  # no dependency: a notebook has brought it
            self._handle = ipython.display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def note(self, line: str) -> None:
        print(line)

    def close(self) -> None: ...


def _in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this code."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")

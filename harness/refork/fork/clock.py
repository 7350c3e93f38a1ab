"""Shows the application's code the time of the recorded run, so that a prompt with a date is sent as it was.

Forks of many runs go on side by side, each with its own time, while DBOS, clients and time-outs need the real
time. The clock therefore looks at its caller: only the application's own modules, called in a fork, get the fork's
time. Installed packages get the real time.
"""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from types import FrameType
from typing import Final

from refork.errors import BadInputError
from refork.records import Run
from refork.source_code.project_modules import is_installed

_ASKERS: Final = frozenset({__name__, "time_machine"})
_OF_REFORK: Final = frozenset({"refork", "refork_evals", "refork_reports", "pytest_refork"})


def moment_of(run: Run, fork_point: int) -> datetime | None:
    """Return when the run reached its fork point; None if no time was recorded."""
    point = run.step(fork_point)
    before = [step.completed_at for step in run.steps if step.number < fork_point and step.completed_at]
    found = (point.started_at if point else None) or max(before, default=None) or run.created_at
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def recorded_clock(moment: Callable[[], datetime | None]) -> Generator[None]:
    """Show the application's code the time that ``moment`` returns for the calling fork; None means the real time.

    Covers ``datetime``, ``date`` and ``time``, but not monotonic clocks. Raises BadInputError if time-machine is
    not installed.
    """
    try:
        import time_machine  # noqa: PLC0415 - an extra
    except ImportError:
        raise BadInputError(
            "frozen_clock in [tool.refork] needs time-machine: install refork[clock], or set it to false"
        ) from None
    original_time_ns: Callable[[], int] = import_module("_time_machine").original_time_ns

    def time_ns() -> int:
        found = moment() if _application_asks(sys._getframe(1)) else None
        return original_time_ns() if found is None else round(found.timestamp() * 1e6) * 1000

    # Travel to now: code that looks before the next line gets that time.
    with time_machine.travel(time.time(), tick=True) as traveller:
        traveller.time_ns = time_ns  # type: ignore[method-assign]
        yield


def _application_asks(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_globals.get("__name__") in _ASKERS:
        frame = frame.f_back
    if frame is None:
        return False
    module, file = frame.f_globals.get("__name__"), frame.f_globals.get("__file__")
    if not isinstance(module, str) or not isinstance(file, str):
        return False
    return module.partition(".")[0] not in _OF_REFORK and not is_installed(file)

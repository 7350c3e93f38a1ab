"""Makes SIGTERM and SIGHUP end a session as Ctrl-C does: gently, and a second one at once."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

GENTLE: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def gentle_endings(end: Any = None) -> Generator[None]:
    """Treat signals that would end the process as a Ctrl-C inside the block. Handlers of others remain.

    ``end`` is a handler to use instead; a signal that is ignored, as under ``nohup``, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in GENTLE if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end or _interrupted)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _interrupted(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)

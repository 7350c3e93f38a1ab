"""Makes threads inherit the watch of the code that starts them, and pools that of the code that submits work."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from refork.http_calls.watch import carried, is_watched


@contextmanager
def patched() -> Generator[None]:
    thread: Any = threading.Thread
    pool: Any = ThreadPoolExecutor
    start, submit = thread.start, pool.submit

    def start_carrying(self: Any) -> None:
        if is_watched():
            self.run = carried(self.run)
        start(self)

    def submit_carrying(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        # Unwatched work too: the pool's thread may have been started by a step.
        return submit(self, carried(fn), *args, **kwargs)

    thread.start, pool.submit = start_carrying, submit_carrying
    try:
        yield
    finally:
        thread.start, pool.submit = start, submit

"""Ctrl-C while trials are awaited never keeps a lock that the trials need."""

import contextlib
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from types import FrameType

from refork.records.outcome import Trial
from refork_evals.evaluation.pending_trials import PendingTrials


class Impatience:
    """Somebody who presses Ctrl-C a thousand times a second. Each ``attempt`` is interrupted once at most."""

    def __init__(self) -> None:
        self._may_interrupt = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._may_interrupt:
            self._may_interrupt = False
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def pressing(self) -> Generator[None]:
        before = signal.signal(signal.SIGALRM, self._interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def attempt(self, work: Callable[[], object]) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self._may_interrupt = True
            work()
            self._may_interrupt = False


def test_interrupts_leave_every_trial_free_to_go_on() -> None:
    futures: list[Future[Trial]] = [Future() for _ in range(200)]
    pending, impatience = PendingTrials(), Impatience()
    pending.add(futures)

    def look() -> None:
        pending.wait(0.001)
        for future in futures:
            pending.has_ended(future)

    with impatience.pressing():
        for _ in range(500):
            impatience.attempt(look)
    going_on = threading.Thread(target=lambda: [future.cancel() for future in futures], daemon=True)
    going_on.start()
    going_on.join(timeout=10)
    assert not going_on.is_alive()
    assert all(map(pending.has_ended, futures))


def test_a_trial_that_ends_is_known_at_once_and_ends_the_waiting() -> None:
    first, second = Future[Trial](), Future[Trial]()
    pending = PendingTrials()
    pending.add([first, second])
    assert not pending.has_ended(first)
    threading.Timer(0.05, first.set_result, [Trial(variant="current", number=1)]).start()
    pending.wait(10)
    assert [pending.has_ended(first), pending.has_ended(second)] == [True, False]
    second.cancel()
    assert pending.has_ended(second)

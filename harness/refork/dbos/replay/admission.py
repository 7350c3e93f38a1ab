"""Decides what one fork may do: replay what was recorded, then run what was scheduled, and nothing else."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from threading import Event, Lock

from refork.records import Step


class Admission(Enum):
    """The decision about an operation: it runs, it waits for the end of the fork, or it ends the fork."""

    RUN = "run"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An operation that was stopped before it started. ``recorded`` is what the run did at that step."""

    number: int
    reached: str
    recorded: str | None


@dataclass(kw_only=True)
class ForkState:
    """The state of one fork, shared by DBOS's threads and event loops.

    Once the fork has ``arrived`` at its fork point, everything else that the code does only waits until the fork
    is over; it is neither run nor a refusal. ``recorded`` maps every step number of the recorded run to its DBOS
    name; steps before ``fork_point`` replay. ``on_refused`` and ``on_ended`` are each called once, from the thread
    that DBOS is in. A tail has ``on_operation``, which is called for every unscheduled operation after the fork
    point: it returns the recorded step that answers it, or schedules it, or does neither.
    """

    run_id: str
    recorded: Mapping[int, str]
    fork_point: int
    on_refused: Callable[[Refusal], None]
    on_ended: Callable[[str | None, str | None], None]
    on_operation: Callable[[int, str], Step | None] | None = None
    scheduled: dict[int, str] = field(default_factory=dict[int, str])
    started: bool = False
    position: tuple[int, str] | None = None
    moved_at: float = field(default_factory=time.monotonic)
    arrived: bool = False
    _closed: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def begin(self) -> None:
        """Note that DBOS took the fork off its queue."""
        self.started, self.moved_at = True, time.monotonic()

    def schedule(self, number: int, name: str) -> None:
        """Let the step ``number`` run under ``name``, although nothing recorded it."""
        with self._lock:
            self.scheduled[number] = name

    def admit(self, number: int, name: str) -> Admission:
        """Decide whether DBOS may start this operation. The first refusal closes the fork for good."""
        with self._lock:
            if self.closed:
                return Admission.REFUSE
            known = self.recorded if number < self.fork_point else self.scheduled
            if known.get(number) == name:
                self.position, self.moved_at = (number, name), time.monotonic()
                return Admission.RUN
            if self.arrived and not self.is_tail:
                return Admission.WAIT
            self._closed.set()
        self.on_refused(Refusal(number=number, reached=name, recorded=self.recorded.get(number)))
        return Admission.REFUSE

    @property
    def is_tail(self) -> bool:
        """True if the fork continues after its fork point."""
        return self.on_operation is not None

    def answer(self, number: int, name: str) -> Step | None:
        """Return the recorded step that answers an operation of a tail; None if DBOS must call :meth:`admit`."""
        if self.on_operation is None or not self.arrived or number < self.fork_point:
            return None
        return None if number in self.scheduled or self.closed else self.on_operation(number, name)

    def arrive(self) -> bool:
        """Note that the code has reached the fork point. Returns False if it is closed or was reached before."""
        with self._lock:
            if self.closed or self.arrived:
                return False
            self.arrived = True
        return True

    def wait(self) -> None:
        """Block until the fork is closed."""
        self._closed.wait()

    def close(self) -> None:
        """Stop whatever comes from now on, without counting it as a refusal."""
        with self._lock:
            self._closed.set()

    def end(self, error: str | None, output: str | None) -> None:
        """Note that the workflow ended by itself: it returned ``output``, serialized, or raised ``error``."""
        with self._lock:
            if self.closed:
                return
            self._closed.set()
        self.on_ended(error, output)

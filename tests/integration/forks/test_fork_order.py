"""What a replayed step gives is held back until the steps that ran beside it have started."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from refork.fork.branches.replay_order import PATIENCE_SECONDS, RecordedOrder
from refork.records import Run, Step

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def run_of(*times: tuple[int, int]) -> Run:
    """A run whose steps began and ended so many milliseconds after its begin."""
    steps = tuple(
        Step(
            number=number,
            name="step",
            started_at=BEGIN + timedelta(milliseconds=start),
            completed_at=BEGIN + timedelta(milliseconds=end),
        )
        for number, (start, end) in enumerate(times, start=1)
    )
    return Run(id="run", workflow="w", status="SUCCESS", steps=steps)


def held(order: RecordedOrder, number: int, drawn: int) -> float:
    """For how long a step is held back when no step after ``drawn`` starts."""
    began = time.monotonic()
    order.hold_thread(number, lambda: drawn, lambda: False)
    return time.monotonic() - began


def test_steps_one_after_the_other_are_never_held() -> None:
    order = RecordedOrder(run_of((0, 10), (10, 20), (20, 30)), 4)
    assert max(held(order, number, number) for number in (1, 2, 3)) < PATIENCE_SECONDS / 2


def test_a_step_is_held_until_all_that_started_before_it_ended_have_started() -> None:
    order = RecordedOrder(run_of((0, 50), (1, 10), (11, 20), (60, 70)), 5)
    drawn = [1]

    async def replay() -> list[int]:
        for number in (2, 3):
            await order.hold(number, lambda: 3, lambda: False)
        holding = asyncio.create_task(order.hold(1, lambda: drawn[0], lambda: False))
        seen: list[int] = []
        while not holding.done():
            await asyncio.sleep(0.01)
            if not holding.done():
                seen.append(drawn[0])
                drawn[0] += 1
        return seen

    assert asyncio.run(replay()) == [1, 2]


def test_a_wait_in_vain_is_the_last_of_its_fork() -> None:
    order = RecordedOrder(run_of((0, 50), (1, 50), (2, 50)), 4)
    assert held(order, 1, 1) >= PATIENCE_SECONDS
    assert held(order, 2, 2) < PATIENCE_SECONDS / 2


def test_nothing_is_held_beyond_the_fork_point_or_where_no_times_are_known() -> None:
    order = RecordedOrder(run_of((0, 50), (1, 50), (2, 50)), 2)
    assert held(order, 1, 2) < PATIENCE_SECONDS / 2
    assert held(order, 2, 2) < PATIENCE_SECONDS / 2
    untimed = Run(
        id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s"), Step(number=2, name="s"))
    )
    assert held(RecordedOrder(untimed, 3), 1, 1) < PATIENCE_SECONDS / 2

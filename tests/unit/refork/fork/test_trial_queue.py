"""Trials come from any thread, wait for the fork point, and are taken by the fork's event loop."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from refork.fork.branches.trial_queue import TrialQueue
from refork.fork.trials.scheduled_trial import ScheduledTrial
from refork.records.variant import current


def trials(count: int) -> list[ScheduledTrial]:
    return [ScheduledTrial(variant=current(), number=number) for number in range(1, count + 1)]


def never() -> bool:
    return False


def idle() -> None:
    raise AssertionError("the fork has come to its fork point")


def test_trials_scheduled_before_the_fork_point_are_taken_there_and_the_queue_ends_once_closed() -> None:
    queue, added = TrialQueue(on_idle=idle), trials(2)

    async def take() -> list[Sequence[ScheduledTrial]]:
        batches = queue.arrive()
        first = await batches.next(never)
        queue.close()
        return [first, await batches.next(never)]

    queue.add(added)
    assert asyncio.run(take()) == [added, []]


def test_a_trial_that_another_thread_adds_wakes_the_fork() -> None:
    queue, added = TrialQueue(on_idle=idle), trials(1)

    async def take() -> Sequence[ScheduledTrial]:
        batches = queue.arrive()
        threading.Timer(0.05, queue.add, [added]).start()
        return await asyncio.wait_for(batches.next(never), timeout=10)

    assert asyncio.run(take()) == added


def test_a_fork_that_is_over_takes_what_waits_and_then_no_more() -> None:
    queue, added = TrialQueue(on_idle=idle), trials(1)
    queue.add(added)

    async def take() -> list[Sequence[ScheduledTrial]]:
        batches = queue.arrive()
        return [await batches.next(lambda: True), await batches.next(lambda: True)]

    assert asyncio.run(take()) == [added, []]


def test_stopping_gives_back_what_waits_and_says_before_the_fork_point_that_nothing_will_come() -> None:
    said: list[str] = []
    queue, added = TrialQueue(on_idle=lambda: said.append("idle")), trials(2)
    queue.add(added)
    assert not said
    assert queue.stop() == added
    assert said == ["idle"]


def test_every_trial_that_was_ever_added_is_dropped_at_once() -> None:
    queue, added = TrialQueue(on_idle=idle), trials(3)
    queue.add(added[:2])

    async def take() -> Sequence[ScheduledTrial]:
        return await queue.arrive().next(never)

    assert asyncio.run(take()) == added[:2]
    queue.finish()  # the loop is closed: nobody is to be woken
    queue.add(added[2:])
    assert queue.drop_all() == added


def test_waking_a_fork_whose_event_loop_is_closed_raises() -> None:
    queue = TrialQueue(on_idle=idle)

    async def arrive() -> None:
        queue.arrive()

    asyncio.run(arrive())
    with pytest.raises(RuntimeError):
        queue.add(trials(1))


def test_the_oldest_trial_that_runs_says_for_how_long() -> None:
    queue, (trial,) = TrialQueue(on_idle=idle), trials(1)
    assert queue.longest_running < 0.05
    with queue.running(trial):
        threading.Event().wait(0.05)
        assert queue.longest_running >= 0.05
    assert queue.longest_running < 0.05

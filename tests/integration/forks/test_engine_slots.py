"""A limit over event loops, whatever is cancelled while it waits."""

import asyncio
import threading

import pytest
from refork.fork.trials.concurrency_limit import ConcurrencyLimit


class Counter:
    def __init__(self) -> None:
        self.now = self.most = self.total = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self.now -= 1


async def holders(slots: ConcurrencyLimit, counter: Counter, number: int) -> None:
    async def hold() -> None:
        async with slots.one():
            with counter:
                await asyncio.sleep(0.001)

    await asyncio.gather(*(hold() for _ in range(number)))


def test_the_limit_holds_and_is_reached_over_many_event_loops() -> None:
    slots, counter = ConcurrencyLimit(5), Counter()
    threads = [threading.Thread(target=lambda: asyncio.run(holders(slots, counter, 50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (counter.total, counter.most, counter.now) == (200, 5, 0)


def test_slots_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    order: list[int] = []

    async def hold(slots: ConcurrencyLimit, number: int) -> None:
        async with slots.one():
            order.append(number)
            await asyncio.sleep(0)

    async def run() -> None:
        slots = ConcurrencyLimit(1)
        await asyncio.gather(*(hold(slots, number) for number in range(10)))

    asyncio.run(run())
    assert order == list(range(10))


def test_one_who_is_cancelled_while_waiting_takes_no_slot_and_blocks_nobody() -> None:
    async def run() -> None:
        slots = ConcurrencyLimit(1)
        async with slots.one():
            waiting = [asyncio.create_task(_hold(slots)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            waiting[1].cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(waiting[2], 1)
        await asyncio.wait_for(_hold(slots), 1)

    asyncio.run(run())


def test_one_who_is_cancelled_just_as_it_gets_its_turn_gives_the_slot_back() -> None:
    async def run() -> None:
        slots = ConcurrencyLimit(1)
        for _ in range(20):
            entered = slots.one()
            await entered.__aenter__()
            waiting = asyncio.create_task(_hold(slots))
            await asyncio.sleep(0)
            await entered.__aexit__(None, None, None)  # hands the slot over
            waiting.cancel()  # before the task has seen it
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await asyncio.wait_for(_hold(slots), 1)

    asyncio.run(run())


def test_one_who_fails_gives_the_slot_back() -> None:
    async def fail(slots: ConcurrencyLimit) -> None:
        async with slots.one():
            raise LookupError

    async def run() -> None:
        slots = ConcurrencyLimit(1)
        for _ in range(3):
            with pytest.raises(LookupError):
                await asyncio.wait_for(fail(slots), 1)

    asyncio.run(run())


def test_a_loop_that_ends_while_its_tasks_wait_blocks_no_other_loop() -> None:
    slots = ConcurrencyLimit(1)

    async def gives_up() -> None:
        asyncio.create_task(_hold(slots))  # noqa: RUF006 - it is cancelled when its loop ends
        await asyncio.sleep(0.01)

    async def run() -> None:
        async with slots.one():
            await asyncio.to_thread(lambda: asyncio.run(gives_up()))
        await asyncio.wait_for(_hold(slots), 1)

    asyncio.run(run())


async def _hold(slots: ConcurrencyLimit) -> None:
    async with slots.one():
        await asyncio.sleep(0)

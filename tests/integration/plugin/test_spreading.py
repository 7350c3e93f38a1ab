"""Which items a worker of pytest-xdist is sent: as ever, but for those that belong to a case."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_refork.xdist.distribution import CaseScheduling, takes_cases_apart
from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScheduling, LoadScopeScheduling


@dataclass(eq=False)
class Worker:
    """Runs what it is sent, one item whenever it is asked to."""

    name: str
    sent: list[int] = field(default_factory=list[int])
    shutting_down: bool = False

    @property
    def gateway(self) -> SimpleNamespace:
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.fixture
def config() -> Any:
    options = {"maxschedchunk": None, "tx": ["popen"] * 3, "dist": "load"}
    return SimpleNamespace(getoption=options.get, getvalue=options.get, hook=None)


def spread(scheduler: Any, items: list[str]) -> dict[str, list[str]]:
    """The items that each of three workers ran, each running one whenever it is its turn."""
    workers = [Worker(name) for name in ("gw0", "gw1", "gw2")]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, items)
    scheduler.schedule()
    done = dict.fromkeys((worker.name for worker in workers), 0)
    while any(len(worker.sent) > done[worker.name] for worker in workers):
        for worker in workers:
            if len(worker.sent) > done[worker.name]:
                index = worker.sent[done[worker.name]]
                done[worker.name] += 1
                scheduler.mark_test_complete(worker, index)
    return {worker.name: [items[index] for index in worker.sent] for worker in workers}


def test_items_of_no_case_are_spread_as_xdist_spreads_them(config: Any) -> None:
    items = [f"test_{number}" for number in range(100)]
    assert spread(CaseScheduling(config, None, dict), items) == spread(LoadScheduling(config), items)


@pytest.mark.parametrize("count", [3, 8, 60])
def test_items_of_a_case_go_to_one_worker_wherever_they_stand(config: Any, count: int) -> None:
    names = ["anna", "bert", "carl", "dora"]
    items = [f"{number}-{names[number % 5] if number % 5 < 4 else 'ordinary'}" for number in range(count)]
    cases = {item: case for item in items if (case := item.split("-")[1]) != "ordinary"}
    found = spread(CaseScheduling(config, None, lambda: cases), items)
    assert sorted(item for ran in found.values() for item in ran) == sorted(items)
    for name in names:
        assert sum(any(cases.get(item) == name for item in ran) for ran in found.values()) <= 1


def test_the_items_of_a_case_that_a_crashed_worker_leaves_go_to_one_other_worker(config: Any) -> None:
    items = [f"{number}-{'anna' if number < 6 else 'other'}" for number in range(12)]
    cases = {item: "anna" for item in items if item.endswith("anna")}
    scheduler: Any = CaseScheduling(config, None, lambda: cases)
    workers = [Worker(name) for name in ("gw0", "gw1", "gw2")]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, items)
    scheduler.schedule()
    crashed = next(worker for worker in workers if 0 in worker.sent)
    others = [worker for worker in workers if worker is not crashed]
    assert scheduler.remove_node(crashed) == items[0]
    for worker in others:
        for index in list(worker.sent):
            scheduler.mark_test_complete(worker, index)
    heirs = [worker for worker in others if any(items[index] in cases for index in worker.sent)]
    assert len(heirs) == 1
    assert {index for index in heirs[0].sent if items[index] in cases} == {1, 2, 3, 4, 5}


def test_other_ways_to_distribute_are_left_alone(config: Any) -> None:
    assert takes_cases_apart(LoadScheduling(config))
    for other in (LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling):
        assert not takes_cases_apart(other(config))

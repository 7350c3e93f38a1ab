"""The limit on calls at once holds over cases and over event loops."""

import pytest
from refork.fork import ForkSession
from refork.records import Run
from support.forks import case_of, plan
from support.model_server import ModelServer
from support.sampled import sampled

KINDS = {
    "async workflows": ["one_call", "a_tool_before", "a_handoff_before"],
    "sync workflows": ["run_sync", "children_before_in_sync_code"],
    "event loops of their own": ["a_loop_of_its_own"] * 3,
    "all of them": [
        "one_call",
        "run_sync",
        "a_loop_of_its_own",
        "a_tool_before",
        "children_before",
        "run_sync",
    ],
}


@pytest.mark.parametrize("kind", sampled(KINDS, quick=["async workflows"]))
def test_no_more_calls_than_the_limit_are_made_at_once_and_no_fewer_while_there_is_work(
    kind: str, runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    server.latency = 0.2  # on a busy machine, too, all eight are in flight at some time
    forks = [session.fork(case_of(runs[name], name=f"{name} {n}")) for n, name in enumerate(KINDS[kind])]
    for fork in forks:
        plan(fork, 12)
        fork.close()
    assert all(fork.wait(30) for fork in forks)
    assert [fork.outcome().reason for fork in forks] == [""] * len(forks)
    assert [trial.error for fork in forks for trial in fork.outcome().trials] == [None] * 12 * len(forks)
    assert server.count == 12 * len(forks)
    assert server.most_in_flight == 8


# DBOS stops its event loop before its queues: what is dequeued at that moment is never started, and Python warns.
@pytest.mark.filterwarnings("ignore:coroutine 'execute_dequeued_workflow")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_before_the_fork_point_is_reached_ends_the_fork(
    runs: dict[str, Run], session: ForkSession, server: ModelServer
) -> None:
    fork = session.fork(case_of(runs["one_call"]))
    futures = plan(fork, 3)
    fork.stop()
    assert fork.wait(5)
    assert all(future.cancelled() or future.done() for future in futures)

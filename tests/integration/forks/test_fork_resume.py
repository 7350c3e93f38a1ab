"""A session that was killed: the next one pays for nothing twice, and gives every trial its own answer."""

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from refork.records import Run
from support.apps import helpdesk as desk
from support.forks import case_of, fresh_session, measure, surroundings_of
from support.model_server import Failure, ModelServer
from support.prepared import Prepared, Written

CONCURRENCY = 4
TRIALS = 20
VARIANTS = [("current", None), ("careful", "Careful! {{ baseline }}"), ("brief", "Be brief. {{ baseline }}")]
EDITED = [("current", None), ("careful", "Take care! {{ baseline }}"), ("brief", "Be brief. {{ baseline }}")]
CHANGED: list[tuple[Any, ...]] = [("empty", None, {"2": "nothing was found"})]
Variants = Sequence[tuple[Any, ...]]
Said = dict[tuple[str, int], dict[str, Any]]


class Project:
    """A folder in which sessions come and are killed."""

    def __init__(self, folder: Path, runs: Path, server: ModelServer, prepared: Prepared) -> None:
        self.folder, self.runs, self.server, self.prepared = folder, runs, server, prepared
        self.kills = 0

    def start(self, variants: Variants, plot: str, trials: int) -> Written:
        options = {"concurrency": CONCURRENCY}
        plan = {"plot": plot, "variants": variants, "trials": trials, "options": options}
        env = surroundings_of(self.folder) | {"OPENAI_BASE_URL": self.server.url}
        function = "support.fork_process:run_plan"
        return self.prepared.start(function, str(self.runs), plan, folder=self.folder, env=env)

    def killed_at(self, call: int, variants: Variants = VARIANTS, plot: str = "one_call") -> Said:
        """Kill a session when it has made so many calls."""
        seen = self.server.count
        process = self.start(variants, plot, TRIALS)
        self.server.wait_for(seen + call, seconds=30)
        time.sleep(random.random() * self.server.latency)
        self.kills += 1
        return said(process.kill())

    def finished(self, variants: Variants = VARIANTS, plot: str = "one_call", trials: int = TRIALS) -> Said:
        output = self.start(variants, plot, trials).finish()
        assert json.loads(output.splitlines()[-1]) == {"reason": ""}, output
        return said(output)


def said(output: str) -> Said:
    lines = [json.loads(line) for line in output.splitlines()]
    return {(line["variant"], line["number"]): line for line in lines if "variant" in line}


@pytest.fixture
def project(tmp_path: Path, runs_file: Path, server: ModelServer, prepared: Prepared) -> Project:
    server.latency = 0.05
    return Project(tmp_path, runs_file, server, prepared)


@pytest.mark.slow
def test_five_kills_lose_no_answer_mix_up_none_and_pay_little_twice(
    project: Project, server: ModelServer
) -> None:
    known: Said = {}
    for _ in range(5):
        order = random.sample(VARIANTS, len(VARIANTS))
        told = project.killed_at(random.randint(1, 10), order)
        for key, line in told.items():
            assert line["text"] == known.get(key, line)["text"]
        known |= told
    final = project.finished(random.sample(VARIANTS, len(VARIANTS)))
    assert set(final) == {(name, number) for name, _ in VARIANTS for number in range(1, TRIALS + 1)}
    assert len({line["text"] for line in final.values()}) == len(final)
    for (variant, _), line in final.items():
        prompt = (dict(VARIANTS)[variant] or "{{ baseline }}").replace("{{ baseline }}", "Help the customer.")
        assert json.loads(line["text"])["prompt"] == prompt
    for key, line in known.items():
        assert (final[key]["text"], final[key]["resumed"]) == (line["text"], True)
    assert server.count <= len(final) + CONCURRENCY * project.kills
    assert not (project.folder / "ledger").exists()


@pytest.mark.slow
def test_a_fork_of_a_changed_run_is_taken_up_with_its_own_answers(
    project: Project, server: ModelServer
) -> None:
    told = project.killed_at(TRIALS - 8, CHANGED, plot="a_tool_before")
    final = project.finished(CHANGED, plot="a_tool_before")
    assert set(final) == {(name, number) for name, *_ in CHANGED for number in range(1, TRIALS + 1)}
    assert told
    for key, line in told.items():
        assert (final[key]["text"], final[key]["resumed"]) == (line["text"], True)
    assert server.count <= len(final) + CONCURRENCY
    assert all("nothing was found" in json.dumps(body) for body in server.bodies)


@pytest.mark.slow
def test_the_answers_of_a_prompt_that_was_edited_are_not_reused(
    project: Project, server: ModelServer
) -> None:
    told = project.killed_at(20, [VARIANTS[1], VARIANTS[0]])
    assert {variant for variant, _ in told} >= {"careful"}
    before = server.count
    final = project.finished(EDITED)
    careful = [line for (variant, _), line in final.items() if variant == "careful"]
    assert all(json.loads(line["text"])["prompt"] == "Take care! Help the customer." for line in careful)
    assert not any(line["resumed"] for line in careful)
    assert server.count - before >= TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("plot", ["a_tool_before", "run_sync"])
def test_a_session_killed_before_its_first_answer_runs_nothing_live_when_it_is_resumed(
    plot: str, project: Project, server: ModelServer
) -> None:
    with server.held():
        project.killed_at(1, plot=plot)
    before = server.count
    final = project.finished(plot=plot, trials=3)
    assert len(final) == 9
    assert server.count - before == 9
    assert not (project.folder / "ledger").exists()


@pytest.mark.slow
def test_a_session_does_not_run_the_fork_of_another_one_whose_plan_it_does_not_hold(
    project: Project, server: ModelServer, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.killed_at(6, plot="a_tool_before")
    time.sleep(0.2)
    before = server.count
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.folder / "cache"))
    started = list[str]()

    async def body(name: str) -> Any:
        started.append(name)

    desk.plots["a_tool_before"] = body
    with fresh_session() as session:
        assert measure(session, case_of(runs["one_call"]), 1).trials[0].answer
        time.sleep(0.5)
    assert started == []
    assert server.count == before + 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "moved", [{}, {"queue_name": "_dbos_internal_queue"}], ids=["its queue", "DBOS's queue"]
)
def test_a_fork_left_on_a_queue_is_not_run_by_a_session_that_does_not_hold_its_plan(
    moved: dict[str, str], project: Project, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the fork and its start: what DBOS would run first thing when it is launched."""
    project.killed_at(6, plot="a_tool_before")
    time.sleep(0.2)
    _update(project.folder, status="ENQUEUED", executor_id=None, **moved)
    before = server.count
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.folder / "cache"))
    started = list[str]()

    async def body(name: str) -> Any:
        started.append(name)

    desk.plots["a_tool_before"] = body
    with fresh_session():
        time.sleep(1.5)
    assert started == []
    final = project.finished(plot="a_tool_before")
    assert any(line["resumed"] for line in final.values())
    assert server.count - before < len(final)


@pytest.mark.slow
def test_answers_older_than_a_day_are_not_taken_up(project: Project) -> None:
    project.killed_at(8)
    a_day_ago = int((time.time() - 24 * 3600 - 5) * 1000)
    _update(project.folder, created_at=a_day_ago)
    assert not any(line["resumed"] for line in project.finished(trials=5).values())


@pytest.mark.slow
def test_an_error_is_not_taken_up_but_tried_again(project: Project, server: ModelServer) -> None:
    failing = {"yes": True}
    answer = server.script

    def script(request: Any) -> Any:
        refused = failing["yes"] and request.number % 2
        return Failure(400, "not today") if refused or not callable(answer) else answer(request)

    server.script = script
    project.killed_at(12)
    failing["yes"] = False
    final = project.finished()
    assert all(line["error"] is None for line in final.values())
    assert any(line["resumed"] for line in final.values())


def test_more_trials_than_the_killed_session_had_planned_go_on_from_its_answers(
    project: Project, server: ModelServer
) -> None:
    project.killed_at(12, [VARIANTS[0]])
    before = server.count
    final = project.finished([VARIANTS[0]], trials=TRIALS + 10)
    assert set(final) == {("current", number) for number in range(1, TRIALS + 11)}
    assert server.count - before <= len(final) - 12 + CONCURRENCY


def _update(folder: Path, **values: Any) -> None:
    """Change the forks that the killed session left."""
    [database] = (folder / "cache" / "refork").glob("*/evals-0.sqlite")
    engine = sa.create_engine(f"sqlite:///{database}")
    changes = ", ".join(f"{name} = :{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE workflow_status SET {changes} WHERE forked_from IS NOT NULL"), values
        )
    engine.dispose()

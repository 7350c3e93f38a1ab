"""A baseline is accepted, kept, and missed: the gate as CI runs it."""

import json
import subprocess
from collections import deque
from pathlib import Path

import pytest
from support.model_server import Answer, ModelServer, Received, Script
from support.project import Finished, Project, case_yaml

GOOD, BAD = "Be careful.", "Be positive."
GATE = ("--agent-evals", "--agent-evals-gate")
UPDATE = ("--agent-evals", "--agent-evals-update-baseline")


@pytest.fixture(scope="module")
def healthy(project: Project) -> Project:
    """A project whose case passes, measured with as many trials as it takes, and never told a threshold."""
    settings = project.files["pyproject.toml"].replace("trials = 10\n", "")
    return project.with_files(
        {
            "pyproject.toml": settings,
            "newsdesk.py": project.files["newsdesk.py"].replace(BAD, GOOD),
            "evals/cases/rosy/case.yaml": case_yaml(rest=""),
        }
    )


@pytest.fixture(scope="module")
def accepted(healthy: Project, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    model.requests.clear()
    done = healthy.run(tmp_path_factory.mktemp("accepted"), *UPDATE)
    assert len(model.requests) == 30
    return done


@pytest.fixture
def guarded(healthy: Project, accepted: Finished) -> Project:
    """The project with its baseline."""
    baseline = (accepted.folder / "evals/baseline.json").read_text()
    return healthy.with_files({"evals/baseline.json": baseline})


def test_a_baseline_is_of_current_alone_with_a_fixed_number_of_trials(accepted: Finished) -> None:
    assert accepted.code == 0
    assert accepted.lines("baseline: evals/baseline.json, 1 cases")
    (entry,) = json.loads((accepted.folder / "evals/baseline.json").read_text())["cases"].values()
    assert (entry["passes"], entry["trials"], entry["model"]) == (30, 30, "gpt-4o-mini")
    assert list(accepted.verdicts) == [("rosy", "current")]


@pytest.mark.slow
def test_a_new_baseline_reuses_no_cached_answer_unless_requested(
    healthy: Project, accepted: Finished, server: ModelServer, tmp_path: Path
) -> None:
    cached = "evals/cases/rosy/answers.jsonl"
    lucky = healthy.with_files({cached: (accepted.folder / cached).read_text()})
    assert accepted.lines("measured afresh: 30 trials")
    again = lucky.run(tmp_path / "again", *UPDATE)
    assert (again.code, server.count) == (0, 30)
    assert again.lines("measured afresh: 30 trials")
    server.requests.clear()
    for how in ("reuse", "offline"):
        told = lucky.run(tmp_path / how, *UPDATE, f"--agent-evals-answers={how}")
        assert (told.code, server.count) == (0, 0)
        assert told.lines("30 of 30 trials reused cached answers")


def test_an_unchanged_project_passes_the_gate_with_few_trials(
    guarded: Project, server: ModelServer, tmp_path: Path
) -> None:
    done = guarded.run(tmp_path, *GATE, "--agent-evals-variants", "current")
    assert done.code == 0, done.output
    assert done.lines("gate passes: 1 case beside baseline.json: 1 held")
    assert done.lines("falls from 95% to")
    assert server.count <= 12


def test_a_worse_prompt_is_red_says_what_fell_and_costs_few_trials(
    guarded: Project, server: ModelServer, tmp_path: Path
) -> None:
    worse = guarded.with_files({"newsdesk.py": guarded.files["newsdesk.py"].replace(GOOD, BAD)})
    page = tmp_path / "step-summary.md"
    page.write_text("what another step wrote\n")
    worse = worse.with_environment(GITHUB_STEP_SUMMARY=str(page))
    done = worse.run(tmp_path, *GATE, "--agent-evals-variants", "current")
    assert done.code == 1
    assert done.lines("gate FAILS: 1 case beside baseline.json: 1 regressed")
    assert done.lines("rosy: regressed: 0 of 5 passed, then 0 of 5 when asked again, before 30 of 30")
    assert done.lines("pytest --agent-evals --agent-evals-gate evals/cases/rosy/case.yaml")
    assert done.counts == {"failed": 1}
    assert server.count == 10
    assert done.results["cases"][0]["cells"][0]["second_look"] == {"passes": 0, "trials": 5, "dropped": True}
    assert page.read_text().startswith("what another step wrote\n## Agent evals\n\n❌ **The gate FAILS")
    gate = done.results["gate"]
    assert (gate["passes"], gate["cases"][0]["finding"]) == (False, "regressed")


@pytest.mark.slow
def test_a_drop_that_fresh_trials_do_not_show_is_not_red_and_comes_first(
    guarded: Project, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, unlucky = server.script, deque(["Revenue increased."] * 5)

    def unlucky_at_first(request: Received) -> Answer:
        return unlucky.popleft() if unlucky else _asked(usual, request)

    monkeypatch.setattr(server, "script", unlucky_at_first)
    done = guarded.run(tmp_path, *GATE, "--agent-evals-variants", "current")
    assert done.code == 0, done.output
    assert done.lines("gate passes: 1 case beside baseline.json: 1 not confirmed")
    assert done.lines("rosy: not confirmed: 0 of 5 passed, then")
    (found,) = done.results["gate"]["cases"]
    assert (found["finding"], found["blocks"]) == ("not confirmed", False)
    assert server.count > 10


@pytest.mark.slow
def test_a_project_may_have_one_look_decide(guarded: Project, server: ModelServer, tmp_path: Path) -> None:
    worse = guarded.with_files({"newsdesk.py": guarded.files["newsdesk.py"].replace(GOOD, BAD)})
    options = (*GATE, "--agent-evals-variants", "current")
    done = worse.run(tmp_path / "once", *options, "--agent-evals-confirm", "no")
    assert (done.code, server.count) == (1, 5)
    assert done.lines("rosy: regressed: 0 of 5 passed (0%), before 30 of 30 (100%)")
    cached = "evals/cases/rosy/answers.jsonl"
    kept = worse.with_files({cached: (tmp_path / "once" / cached).read_text()})
    offline = kept.run(tmp_path / "offline", *options, "--agent-evals-answers", "offline")
    assert (offline.code, server.count) == (1, 5)
    assert offline.lines("rosy: regressed: 0 of 5 passed (0%)")


def _asked(script: Script | Answer, request: Received) -> Answer:
    return script(request) if callable(script) else script


@pytest.mark.slow
def test_a_branch_cannot_approve_itself(guarded: Project, server: ModelServer, tmp_path: Path) -> None:
    folder = guarded.write(tmp_path)
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e@e", "commit", "--quiet", "--message", "accepted"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    baseline = json.loads(guarded.files["evals/baseline.json"])
    baseline["cases"]["rosy"]["passes"] = 0
    branch = guarded.with_files(
        {
            "newsdesk.py": guarded.files["newsdesk.py"].replace(GOOD, BAD),
            "evals/baseline.json": json.dumps(baseline),
        }
    )
    done = branch.run(folder, *GATE, "--agent-evals-baseline", "git:main")
    assert done.code == 1
    assert done.lines("this branch changes the baseline (rosy); compared with baseline.json of main")


@pytest.mark.slow
def test_a_part_is_merged_case_by_case_and_nothing_is_written_with_errors(
    guarded: Project, server: ModelServer, tmp_path: Path
) -> None:
    second = guarded.with_files(
        {
            "evals/cases/other/case.yaml": case_yaml(rest=""),
            "evals/cases/other/run.json": guarded.files["evals/cases/rosy/run.json"],
        }
    )
    done = second.run(tmp_path, "--agent-evals", "--agent-evals-merge-baseline", "-k", "other")
    assert done.code == 0, done.output
    baseline = tmp_path / "evals/baseline.json"
    assert list(json.loads(baseline.read_text())["cases"]) == ["other", "rosy"]
    before = baseline.read_text()
    broken = second.with_files(
        {
            "newsdesk.py": guarded.files["newsdesk.py"].replace(GOOD, "Break it."),
            "evals/baseline.json": before,
        }
    )
    done = broken.run(tmp_path, *UPDATE)
    assert done.code == 1
    assert done.lines("baseline: evals/baseline.json was not written")
    assert baseline.read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "trials", "said"),
    [
        ("max-tokens=100", "", "tokens were used, of at most 100"),
        ("max-cost=0.00001", "trials: 10", "of at most $0.00001"),
    ],
)
def test_a_budget_stops_what_is_not_begun_and_says_so(
    limit: str, trials: str, said: str, *, healthy: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 0.05
    limited = healthy.with_files({"evals/cases/rosy/case.yaml": case_yaml(rest=trials)})
    done = limited.run(tmp_path, "--agent-evals", f"--agent-evals-{limit}", "--agent-evals-concurrency", "1")
    assert done.code == 0
    assert server.count < 15
    verdicts = {name: verdict for (_, name), (verdict, _, _) in done.verdicts.items()}
    assert set(verdicts.values()) == {"inconclusive"}
    assert done.lines("budget: ")
    assert said in " ".join(done.output.split())


@pytest.mark.slow
def test_a_budget_and_what_is_said_of_costs_use_the_projects_own_price(
    healthy: Project, server: ModelServer, tmp_path: Path
) -> None:
    server.latency = 0.05
    prices = "\n[tool.refork.prices]\ngpt-4o-mini = {input = 5000, output = 5000}\n"
    dear = healthy.with_files(
        {
            "evals/cases/rosy/case.yaml": case_yaml(rest="trials: 10"),
            "pyproject.toml": healthy.files["pyproject.toml"] + prices,
        }
    )
    done = dear.run(tmp_path, "--agent-evals", "--agent-evals-max-cost=0.5", "--agent-evals-concurrency", "1")
    assert server.count < 15
    said = " ".join(done.output.split())
    assert "of at most $0.5" in said
    assert "by your price list" in said

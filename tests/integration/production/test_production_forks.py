"""Plain DBOS workflows, captured and forked: the prompt rendered in the workflow, or within the step."""

import os
from pathlib import Path

import pytest
from refork.case_capture.case_writer import capture
from refork.dbos.reader.reader import Reader
from refork.fork import open_session
from refork.prompts.candidates import find_variants
from refork.records import Case, Run
from support.forks import measure, text_of
from support.model_server import ModelServer
from support.project import Finished, Project

AGENT = "summarize"


def recorded(briefs: Path, run_id: str) -> Run:
    with Reader(f"sqlite:///{briefs}") as reader:
        return reader.run(run_id)


def case_yaml(expect: str = "[not_contains: increased]", *, rest: str = "trials: 10") -> str:
    return f"version: 1\nfork: {{step: 2, agent: {AGENT}}}\n{rest}\nexpect: {expect}\n"


@pytest.fixture(scope="module")
def done(
    project: Project, briefs: Path, model: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """A session over a case of each workflow."""
    files: dict[str, str] = {}
    for run_id in ("brief-1", "inside-1", "hand-1"):
        folder = tmp_path_factory.mktemp("cases")
        capture(recorded(briefs, run_id), step=2, cases=folder, name=run_id, agent=AGENT)
        files[f"evals/cases/{run_id}/run.json"] = (folder / run_id / "run.json").read_text()
        files[f"evals/cases/{run_id}/case.yaml"] = case_yaml()
    files["evals/prompts/summarize/terse.md"] = "{{ baseline }}\nBe brief, {{ agent }}.\n"
    model.requests.clear()
    environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    asked = project.with_files(files).with_environment(**environment)
    return asked.run(tmp_path_factory.mktemp("project"), "--agent-evals")


@pytest.mark.parametrize("run_id", ["brief-1", "inside-1", "hand-1"])
def test_the_candidate_fixes_what_the_code_as_it_stands_does_not(done: Finished, run_id: str) -> None:
    verdicts = {variant: told for (case, variant), told in done.verdicts.items() if case == run_id}
    assert verdicts["current"] == ("fail", 0, verdicts["current"][2]), done.output
    assert verdicts["careful"][0] == "pass"
    assert verdicts["careful"][1] == verdicts["careful"][2]
    assert verdicts["terse"][0] == "fail"


def test_only_the_step_of_the_fork_point_runs(done: Finished, model: ModelServer) -> None:
    measured = sum(trials for variant, (_, _, trials) in done.verdicts.items() if variant[1] != "recorded")
    assert model.count == measured


def test_the_model_is_sent_what_the_candidate_makes_of_the_prompt(done: Finished, model: ModelServer) -> None:
    prompts = {request.instructions for request in model.requests}
    own = "Summarize these figures.\n\nFebruary: 100\nMarch: 88"
    assert prompts == {own, f"Be careful with 2 rows.\n{own}", f"{own}\nBe brief, summarize."}


def test_usage_comes_from_the_answer_or_from_what_the_step_reports(done: Finished) -> None:
    used = {
        case["name"]: {trial["usage"]["input_tokens"] for trial in cell["trials"]}
        for case in done.results["cases"]
        for cell in case["cells"]
        if cell["variant"] == "careful"
    }
    assert used == {"brief-1": {100}, "inside-1": {100}, "hand-1": {70}}


def test_evaluations_write_no_flags(done: Finished) -> None:
    assert "was not flagged" not in done.output


def test_a_replay_shows_the_prompt_of_the_workflow(
    project: Project, briefs: Path, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.write(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_session(root=tmp_path, modules=("briefing",)) as session:
        replay = session.replay(recorded(briefs, "brief-1"))
    step = replay.run.step(2)
    assert replay.problem is None
    assert step is not None
    assert step.request is not None
    assert step.request.agent == AGENT
    assert step.request.prompt == "Summarize these figures.\n\nFebruary: 100\nMarch: 88"
    assert server.count == 0


def test_in_a_tail_only_the_models_steps_run_and_with_the_candidate(
    project: Project, briefs: Path, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.write(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with open_session(root=tmp_path, modules=("briefing",)) as session:
        run = session.replay(recorded(briefs, "brief-1")).run
        case = Case(name="tail", folder=tmp_path, run=run, step=2, agent=AGENT, scope="tail")
        (careful,) = find_variants(case, tmp_path / "evals/prompts")
        trials = {trial.variant: trial for trial in measure(session, case, 1, careful).trials}
    assert text_of(trials["current"]) == "Revenue increased by 12%."
    # What is published now was not published then, and publishing is not allowed.
    error = trials["careful"].error
    assert error is not None
    assert error.type == "ToolDeniedError"
    assert 'publish({"text":"Revenue fell by 12%."})' in error.message
    assert server.count == 2

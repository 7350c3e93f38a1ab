"""Runs that ended in every way become cases: whole, without their secrets, and once for each bug."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refork.case_files.case_file import load_case
from refork.cli import main
from refork.records import Case
from support.commands import run_python
from support.model_server import ModelServer
from support.production import desk_answer, put_desk, write_mishaps

Run = Callable[..., tuple[int, str, str]]
TESTS = Path(__file__).parents[2]
SECRETS = ("AKIAIOSFODNN7EXAMPLE", "Tr0ub4dor-3@", "s3cr3t-w0rd", "q9w8e7r6t5y4")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = put_desk(tmp_path_factory.mktemp("desk"))
    url = f"sqlite:///{folder / 'production.sqlite'}"
    write_mishaps(url, folder)
    return url


@pytest.fixture
def run(
    production: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    project = put_desk(tmp_path / "project")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", production)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*args: str) -> tuple[int, str, str]:
        code = main(args)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def case_at(name: str) -> Case:
    return load_case(Path("evals/cases") / name)


def text_of(name: str) -> str:
    return "".join(path.read_text() for path in (Path("evals/cases") / name).iterdir())


def captured(run: Run, run_id: str, step: int, *options: str) -> Case:
    code, _, err = run("capture", run_id, "--step", str(step), "--name", run_id, *options)
    assert code == 0, err
    return case_at(run_id)


@pytest.mark.parametrize(
    ("run_id", "step", "agents"),
    [
        ("good", 4, ["Desk", "Desk"]),
        ("forked-again", 4, ["Desk", "Desk"]),
        ("caught", 4, ["Desk", "Desk"]),
        ("portable", 4, ["Desk", "Desk"]),
        ("broken", 3, ["Desk", "Desk"]),
        ("cancelled", 3, ["Desk", "Desk"]),
        ("missing-1", 2, ["Desk"]),
    ],
)
def test_a_run_is_captured_with_what_every_model_step_sent_however_it_ended(
    run: Run, run_id: str, step: int, agents: list[str]
) -> None:
    case = captured(run, run_id, step)
    sent = [each.request for each in case.run.steps if each.request is not None]
    assert [request.agent for request in sent] == agents
    assert {(request.prompt or "").partition(".")[0] for request in sent} == {"Answer the ticket"}


def test_a_run_in_progress_is_captured_only_when_that_is_asked_for(run: Run) -> None:
    code, _, err = run("capture", "stuck", "--step", "3", "--name", "stuck")
    assert (code, "--in-progress" in err) == (2, True)
    assert captured(run, "stuck", 3, "--in-progress").run.status == "PENDING"


def test_secrets_are_replaced_everywhere_and_alike_and_named_without_being_shown(run: Run) -> None:
    code, out, err = run("capture", "good", "--step", "4", "--name", "good")
    assert code == 0
    text = text_of("good") + out + err
    assert [secret for secret in SECRETS if secret in text] == []
    steps = case_at("good").run.steps
    (key,) = set(re.findall(r"<secret:aws-key:\d>", json.dumps([steps[0].output, steps[2].output])))
    assert key == "<secret:aws-key:1>"
    assert "aws-key: 1 value in 2 places, steps 1, 3" in out + err
    assert "bob.stone@example.com" in text


def test_the_structure_of_what_held_a_secret_stays(run: Run) -> None:
    output: Any = captured(run, "good", 4).run.steps[0].output
    config = json.loads(output["config"])
    assert config["retries"] == 3
    assert config["api_key"].startswith("<secret:")
    assert output["dsn"].startswith("postgresql://desk:<secret:")
    assert output["dsn"].endswith("@db.internal/desk")


@pytest.mark.slow
def test_a_case_whose_secrets_were_replaced_still_forks_where_it_was_captured(run: Run) -> None:
    captured(run, "good", 4, "--redact", "emails,phones")
    with ModelServer(desk_answer) as server:
        environment = {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "none",
            "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(TESTS)))),
        }
        done = run_python(Path.cwd(), "-c", FORK, environment=environment)
    assert done.stdout.split() == ["measured", "True", "True"], done.stdout + done.stderr
    (call, _) = server.requests
    sent = json.dumps(call.body)
    assert "<email:1>" in sent
    assert "<secret:aws-key:1>" in sent


FORK = """
from pathlib import Path
from refork.case_files import load_case
from refork.fork import open_session
from support.forks import measure
with open_session(root=Path.cwd(), modules=["desk"]) as session:
    outcome = measure(session, load_case(Path("evals/cases/good")), 2)
print(outcome.status.value, *(trial.error is None for trial in outcome.trials))
if outcome.reason: print(outcome.reason)
"""


def test_personal_data_goes_where_it_is_asked_for(run: Run) -> None:
    captured(run, "good", 4, "--redact", "emails,phones")
    assert "bob.stone" not in text_of("good")
    assert "415 555" not in text_of("good")
    code, _, err = run("capture", "good", "--step", "4", "--name", "other", "--redact", "email")
    assert (code, "did you mean 'emails'" in err) == (2, True)


def test_a_function_of_the_projects_says_what_else_must_go(run: Run) -> None:
    put_desk(Path(), settings='app = "desk"\nredact = "hides:hide"\n', hides=HIDES)
    captured(run, "good", 4)
    assert "Bob Stone" not in text_of("good")
    assert "a customer" in text_of("good")


HIDES = """
def hide(text):
    return text.replace("Bob Stone", "a customer")
"""


def test_everything_is_kept_where_that_is_asked_for(run: Run) -> None:
    captured(run, "good", 4, "--no-redact")
    assert [secret for secret in SECRETS if secret not in text_of("good")] == []


@pytest.mark.slow
def test_one_bug_gives_one_case_and_a_second_time_none(run: Run) -> None:
    where = ("capture", "--where", "status=ERROR", "--since", "7d", "--limit", "50")
    code, out, _ = run(*where)
    assert code == 0
    assert sorted(path.name for path in Path("evals/cases").iterdir()) == [
        "answer-and-break-value-error",
        "find-order-no-order-error",
    ]
    assert "missing-2 failed as did" in out or "missing-1 failed as did" in out
    assert "4 runs: 2 cases written" in out
    code, out, _ = run(*where)
    assert (code, "0 cases written" in out) == (0, True)
    assert "2 already captured, 1 failed as another did, 1 skipped" in out


@pytest.mark.slow
def test_an_interrupted_capture_of_many_runs_continues_where_it_stopped(run: Run) -> None:
    where = ("capture", "--where", "status=ERROR")
    code, out, _ = run(*where, "--where", "workflow=answer")
    first = sorted(path.name for path in Path("evals/cases").iterdir())
    assert (code, len(first)) == (0, 1)
    left = Path("evals/cases") / f".half.{2**22 + 1}.01234567.tmp"
    left.mkdir()
    code, out, _ = run(*where)
    assert code == 0
    assert "1 case written" in out
    assert len([*Path("evals/cases").iterdir()]) == 2
    assert not left.exists()


def test_runs_are_chosen_by_workflow_error_and_age(run: Run) -> None:
    chosen = ("--where", "workflow=answer", "--where", "error~SHARD", "--since", "1h", "--limit", "9")
    code, out, _ = run("capture", *chosen)
    assert (code, "2 runs: 1 case written" in out) == (0, True)
    code, out, _ = run("capture", "--where", "status=ERROR", "--where", "error~tuesday")
    assert (code, "No runs match" in out) == (0, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--where", "status=EROR"), "did you mean 'ERROR'"),
        (("--where", "state=ERROR"), "accepted are 'flagged', 'flagged~TEXT'"),
        (("good", "--where", "status=ERROR"), "leave 'good' out"),
        (("--where", "status=ERROR", "--name", "x"), "--name is for one run"),
        (("good", "--since", "7d"), "are for --where"),
        ((), "RUN is missing"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, given: tuple[str, ...], said: str) -> None:
    code, _, err = run("capture", *given)
    assert code == 2
    assert said in err


def test_several_steps_of_a_run_become_a_case_each(run: Run) -> None:
    code, _, err = run("capture", "good", "--step", "2", "--step", "4", "--name", "both")
    assert code == 0, err
    assert [case_at(name).step for name in ("both-2", "both-4")] == [2, 4]


def test_a_tool_step_can_be_a_fork_point_with_a_note_on_what_that_needs(run: Run) -> None:
    code, _, err = run("capture", "good", "--step", "find_order", "--name", "tool")
    assert code == 0
    assert 'find_order = "live"' in err
    case = case_at("tool")
    assert (case.step, case.agent, case.fork_point.arguments) == (3, None, {"order": 3})


def test_a_run_is_shown_as_a_page_with_a_command_for_each_step_and_no_secret(
    run: Run, tmp_path: Path
) -> None:
    code, _, err = run("show", "good", "--html", str(tmp_path / "run.html"))
    assert code == 0, err
    page = (tmp_path / "run.html").read_text()
    assert [secret for secret in SECRETS if secret in page] == []
    assert page.count("refork capture good --step") >= 2
    assert not re.search(r"(src|href)=.https?:", page)

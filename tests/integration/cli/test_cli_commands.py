"""``refork runs``, ``show`` and ``capture`` on the runs of a real application."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from refork.case_files.case_file import load_case
from refork.cli import main
from refork.cli._output.steps import print_step
from refork.records import Run as RecordedRun
from support.commands import run_python
from support.production import files_of, put_project

Run = Callable[..., tuple[int, str, str]]


@dataclass
class Weight:
    grams: int


class Sprocket:
    """No plain data: only its author knows how to write it."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a project that names no application."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return folder


@pytest.fixture
def run(
    project: Path, sqlite_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", f"sqlite:///{sqlite_file}")
    monkeypatch.delenv("COLUMNS", raising=False)
    before = files_of(sqlite_file.parent)

    def call(*args: str) -> tuple[int, str, str]:
        code = main(args)
        out, err = capsys.readouterr()
        assert files_of(sqlite_file.parent) == before
        assert "\x1b" not in out + err
        return code, out, err

    return call


def captured(project: Path, name: str = "wrong") -> Path:
    return project / "evals" / "cases" / name


def test_runs_are_listed_with_their_error(run: Run) -> None:
    code, out, err = run("runs")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["report-1"].split()[1:3] == ["report", "SUCCESS"]
    assert lines["report-1"].endswith("5     530")
    assert r"shop.OutOfStockError: no \x1b[31mcup\x1b[0m [bold]left[/bold]" in lines["order-1"]
    assert "second line" not in out


def test_runs_can_be_printed_as_json(run: Run) -> None:
    code, out, _ = run("runs", "--status", "error", "--status", "success", "--workflow", "report", "--json")
    assert code == 0
    document = json.loads(out)
    (found,) = document["runs"]
    assert document["version"] == 1
    assert found.pop("created_at").endswith("+00:00")
    assert found == {
        "id": "report-1",
        "workflow": "report",
        "status": "SUCCESS",
        "steps": 5,
        "usage": {
            "calls": 3,
            "input_tokens": 500,
            "cached_tokens": 100,
            "output_tokens": 30,
            "reasoning_tokens": 0,
        },
        "flags": [],
        "error": None,
    }


def test_an_empty_list_of_runs_prints_a_sentence(run: Run) -> None:
    assert run("runs", "--workflow", "nothing") == (0, "No runs match.\n", "")
    assert run("runs", "--since", "2999-01-01") == (0, "No runs match.\n", "")


def test_a_misspelt_status_names_the_nearest(run: Run) -> None:
    code, _, err = run("runs", "--status", "sucess")
    assert (code, err) == (2, "refork: --status 'sucess' is not a status of DBOS; did you mean 'SUCCESS'?\n")


def test_a_missing_database_is_one_line(run: Run, tmp_path: Path) -> None:
    code, out, err = run("runs", "--db", f"sqlite:///{tmp_path / 'no.sqlite'}")
    assert (code, out) == (1, "")
    missing = str(tmp_path / "no.sqlite")
    assert err == (
        f"refork: --db: the database {missing!r} does not exist; give the URL of DBOS's system database\n"
    )


def test_a_run_is_shown_as_a_timeline_with_a_note_on_missing_values(run: Run) -> None:
    code, out, err = run("show", "rep")
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line[:1].isdigit() and line[1:2] == " "]
    assert [row[:2] for row in rows] == [
        ["1", "model"],
        ["2", "tool"],
        ["3", "tool"],
        ["4", "model"],
        ["5", "model"],
    ]
    assert '→ run_sql({"query": "SELECT 1"})' in out
    assert out.splitlines()[-1].endswith("310  Revenue rose by 12%.")
    assert err == (
        "refork: agents, models and prompts are not known: "
        f"no application is named: set app under [tool.refork] in {Path.cwd() / 'pyproject.toml'}\n"
    )


def test_an_error_is_shown_escaped_wherever_it_stands(run: Run) -> None:
    code, out, err = run("show", "order-1")
    assert code == 0
    assert err.startswith("refork: no step is known to ask a model: ")
    assert out.count(r"shop.OutOfStockError: no \x1b[31mcup\x1b[0m [bold]left[/bold]") == 2
    _, out, _ = run("show", "order-1", "--step", "reserve")
    assert "error\n  shop.OutOfStockError: no \\x1b[31mcup" in out
    assert "\n  second line" in out


def test_one_step_is_shown_with_all_that_is_known(run: Run) -> None:
    _, out, _ = run("show", "report-1", "--step", "5")
    assert out.startswith("step 5  model  _model_call_step\n")
    assert "tokens: 300 in (100 cached), 10 out" in out
    assert "answer\n  Revenue rose by 12%.\n  More.\n" in out


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("6", "run 'report-1' has no step 6; its steps are 1 to 5"),
        ("run_sql", "'run_sql' fits the steps 2, 3 of run 'report-1': give the number of one"),
        ("run_sq", "run 'report-1' has no step 'run_sq'; did you mean 'run_sql'?"),
    ],
)
def test_a_step_that_fits_none_or_several_is_refused(run: Run, step: str, message: str) -> None:
    assert run("show", "report-1", "--step", step)[::2] == (2, f"refork: {message}\n")
    assert run("capture", "report-1", "--step", step, "--name", "wrong")[::2] == (2, f"refork: {message}\n")


def test_a_run_shown_as_json_can_be_read_back(run: Run) -> None:
    from pydantic import TypeAdapter

    _, out, _ = run("show", "report-1", "--json")
    document = json.loads(out)
    read = TypeAdapter(RecordedRun).validate_python(document["run"])
    assert [step.number for step in read.steps] == [1, 2, 3, 4, 5]
    _, out, _ = run("show", "report-1", "--step", "5", "--json")
    assert json.loads(out)["step"] == document["run"]["steps"][4]


def test_a_value_that_cannot_be_read_is_shown_as_why(run: Run) -> None:
    _, out, _ = run("show", "quote-1")
    assert "(it needs the module 'shop' to be read" in out


def test_a_capture_writes_a_case_and_says_what_to_do_next(run: Run, project: Path) -> None:
    code, out, err = run(
        "capture", "report-1", "--step", "5", "--name", "wrong", "--agent", "Summarizer", "--guard"
    )
    assert code == 0
    assert "write under `expect:`" in out
    assert "evals/prompts/summarizer/<variant>.md" in out
    assert out.endswith("\nNext: pytest --agent-evals evals/cases/wrong\n")
    assert err.count("\n") == 1
    case = load_case(captured(project))
    assert (case.step, case.agent, case.guard, case.run.id) == (5, "Summarizer", True, "report-1")
    assert sorted(files_of(project / "evals")) == ["cases/wrong/case.yaml", "cases/wrong/run.json"]


def test_an_agent_that_is_not_known_is_asked_for_but_not_needed(run: Run, project: Path) -> None:
    code, _, err = run("capture", "report-1", "--step", "5", "--name", "wrong")
    assert code == 0
    assert "the agent is not known: give --agent" in err
    assert load_case(captured(project)).agent is None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["waiting-1", "--step", "1"], "run 'waiting-1' is still in progress (ENQUEUED)"),
        (["report-2", "--step", "1"], "no run 'report-2'; the nearest is 'report-1'"),
    ],
)
def test_a_refused_capture_leaves_no_file(run: Run, project: Path, args: list[str], message: str) -> None:
    code, out, err = run("capture", *args, "--name", "wrong")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (project / "evals").exists()


def test_a_capture_without_a_name_is_refused_where_nobody_can_be_asked(run: Run) -> None:
    code, _, err = run("capture", "report-1", "--step", "5")
    assert code == 2
    assert "--name is missing, and there is no terminal" in err


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden", "", "a b", "/nowhere/x"])
def test_a_name_that_is_a_path_is_refused(run: Run, project: Path, name: str) -> None:
    code, _, err = run("capture", "report-1", "--step", "5", "--name", name)
    assert code == 2
    assert "cannot name a case" in err
    assert sorted(path.name for path in project.parent.rglob("*")) == [
        "database",
        "production.sqlite",
        "project",
        "pyproject.toml",
    ]


def test_a_case_that_exists_is_left_alone(run: Run, project: Path) -> None:
    run("capture", "report-1", "--step", "5", "--name", "wrong")
    before = files_of(project)
    code, _, err = run("capture", "report-1", "--step", "4", "--name", "wrong")
    assert code == 2
    assert "exists already; choose another name, or --force" in err
    assert files_of(project) == before


def test_force_replaces_the_run_and_keeps_what_the_user_wrote(run: Run, project: Path) -> None:
    run("capture", "report-1", "--step", "5", "--name", "wrong", "--agent", "Summarizer")
    file = captured(project) / "case.yaml"
    file.write_text(file.read_text().replace("expect: []", "expect: [{contains: fell}]  # mine"))
    mine = file.read_bytes()
    (captured(project) / "run.json").write_text("damaged")
    code, out, _ = run("capture", "report-1", "--step", "5", "--name", "wrong", "--force")
    assert code == 0
    assert "case.yaml (kept as it was)" in out
    assert file.read_bytes() == mine
    assert load_case(captured(project)).run.id == "report-1"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--step", "4"], "forks at step 5, and --force keeps that file"),
        (["--step", "5", "--agent", "Analyst"], "says 'Summarizer', and --force keeps that file"),
        (["--step", "5", "--guard"], "set `guard: true` in it instead"),
    ],
)
def test_force_refuses_what_the_kept_file_contradicts(
    run: Run, project: Path, args: list[str], message: str
) -> None:
    run("capture", "report-1", "--step", "5", "--name", "wrong", "--agent", "Summarizer")
    before = files_of(project)
    code, _, err = run("capture", "report-1", "--name", "wrong", "--force", *args)
    assert code == 2
    assert message in err
    assert files_of(project) == before


def test_force_refuses_a_case_file_that_does_not_load(run: Run, project: Path) -> None:
    run("capture", "report-1", "--step", "5", "--name", "wrong")
    (captured(project) / "case.yaml").write_text("version: 99\n")
    before = files_of(project)
    code, _, err = run("capture", "report-1", "--step", "5", "--name", "wrong", "--force")
    assert code == 2
    assert f"{str(captured(project) / 'case.yaml')!r} was written by a newer Refork" in err
    assert files_of(project) == before


def test_an_interrupted_capture_leaves_nothing(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("refork.case_capture.case_writer.save_case_yaml", interrupt)
    assert run("capture", "report-1", "--step", "5", "--name", "wrong")[0] == 130
    assert [path for path in project.rglob("*") if path.is_file()] == [project / "pyproject.toml"]
    assert list(captured(project).parent.iterdir()) == []


def test_without_a_terminal_a_run_that_went_well_is_forked_at_its_last_model_step_with_a_note(
    run: Run, project: Path
) -> None:
    code, _, err = run("capture", "report-1", "--name", "guessed")
    assert code == 0
    step = load_case(captured(project, "guessed")).step
    assert f"nothing says which step went wrong: forked at {step}, the last model step" in err


def test_step_and_name_are_asked_for_at_a_terminal(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refork.cli.capture.terminal", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("5\n\n"))
    code, out, _ = run("capture", "report-1")
    assert code == 0
    assert "Fork at which step" in out
    assert "[report-5]" in out
    assert load_case(captured(project, "report-5")).step == 5


def test_all_types_that_are_left_to_register_are_named_at_once_as_code(
    project: Path, sqlite_file: Path
) -> None:
    from refork.case_capture.case_writer import capture
    from refork.dbos.reader.reader import Reader
    from refork.dbos.reader.recordings import Problem
    from refork.errors import TypesNotRegisteredError

    with Reader(f"sqlite:///{sqlite_file}") as reader:
        recorded = reader.run("report-1")
    problems = [
        Problem(step=2, message="step 2 ('find'): its output ...", types=(Weight, Sprocket)),
        Problem(step=3, message="step 3 ('list'): its output ...", types=(Sprocket,)),
        Problem(step=5, message="step 5 ('last'): its output ...", types=(Path,)),
    ]
    with pytest.raises(TypesNotRegisteredError) as raised:
        capture(recorded, step=4, cases=project / "cases", name="wrong", problems=problems)
    assert f"step 2 ('find') holds {__name__}.Weight, {__name__}.Sprocket; step 3" in str(raised.value)
    assert "step 5" not in str(raised.value)
    assert raised.value.code.splitlines() == [
        "    from refork import values",
        f"    from {__name__} import Sprocket, Weight",
        "",
        "    values.register(Sprocket, encode=lambda value: ..., decode=lambda data: Sprocket(...))",
        "    values.register(Weight)",
    ]
    assert not (project / "cases").exists()


def test_a_value_that_is_not_portable_stops_a_capture_only_where_it_is_needed(
    run: Run, project: Path, sqlite_file: Path
) -> None:
    from refork.case_capture.case_writer import capture
    from refork.dbos.reader.reader import Reader
    from refork.dbos.reader.recordings import Problem
    from refork.errors import ValueNotPortableError

    with Reader(f"sqlite:///{sqlite_file}") as reader:
        recorded = reader.run("report-1")
    for step in (None, 2, 4):
        with pytest.raises(ValueNotPortableError, match="no way"):
            capture(
                recorded,
                step=4,
                cases=project / "cases",
                name="wrong",
                problems=[Problem(step=step, message="no way")],
            )
    assert not (project / "cases").exists()
    later = Problem(step=5, message="no way")
    assert capture(recorded, step=4, cases=project / "cases", name="wrong", problems=[later]).case.step == 4


@pytest.mark.slow
def test_postgres_is_read_by_a_role_that_may_only_select(run: Run, project: Path, shop_postgres: str) -> None:
    assert run("runs", "--db", shop_postgres)[0] == 0
    assert run("show", "report-1", "--db", shop_postgres)[0] == 0
    code, _, _ = run("capture", "report-1", "--step", "5", "--name", "wrong", "--db", shop_postgres)
    assert code == 0
    assert load_case(captured(project)).run.framework == "openai-agents"


def refork(folder: Path, database: Path, *args: str) -> subprocess.CompletedProcess[str]:
    words = "-m", "refork.cli", *args, "--db", f"sqlite:///{database}"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPENAI_API_KEY", raising=False)
        return run_python(folder, *words, environment={"XDG_CACHE_HOME": str(folder / ".cache")})


def test_a_replay_tells_agents_models_and_prompts(
    tmp_path: Path, sqlite_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = put_project(tmp_path / "app", app=True)
    before = files_of(sqlite_file.parent)
    done = refork(folder, sqlite_file, "capture", "report-1", "--step", "Summarizer", "--name", "wrong")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "shop is imported",
        "refork: the prompts are today's: another version of the application made this run",
    ]
    assert "evals/prompts/summarizer/<variant>.md" in done.stdout
    case = load_case(captured(folder))
    assert (case.step, case.agent) == (5, "Summarizer")
    request = case.fork_point.request
    assert request is not None
    assert (request.prompt, request.model) == ("Summarize for an executive.", "small-model")
    first = case.run.steps[0].request
    assert first is not None
    assert [tool.name for tool in first.tools] == ["run_sql", "transfer_to_summarizer"]
    assert files_of(sqlite_file.parent) == before
    print_step(case.fork_point)
    shown = capsys.readouterr().out
    assert "prompt\n  Summarize for an executive.\n" in shown
    assert "input\n  user: How were sales?\n  assistant: → run_sql" in shown
    assert "tool: rows of SELECT 1\n" in shown


def test_an_application_that_does_not_import_costs_the_prompts_only(
    tmp_path: Path, sqlite_file: Path
) -> None:
    folder = put_project(tmp_path / "app", app=True)
    (folder / "shop.py").write_text("raise RuntimeError('broken')\n")
    done = refork(folder, sqlite_file, "show", "report-1")
    assert done.returncode == 0
    assert "Revenue rose by 12%." in done.stdout
    assert done.stderr.startswith(
        "refork: agents, models and prompts are not known: [tool.refork] app = 'shop'"
    )
    assert "RuntimeError: broken" in done.stderr
    assert done.stderr.count("\n") == 1

"""``refork.flag`` and ``refork.record_usage`` in production, and what the command line makes of them."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import refork
from refork.cli import main
from refork.dbos.reader.reader import Reader
from refork.production import hooks
from refork.records.usage import Usage
from support.project import Project

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(
    briefs: Path,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """The command line in the user's project, on the database of production."""
    monkeypatch.chdir(project.write(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", f"sqlite:///{briefs}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*args: str) -> tuple[int, str, str]:
        code = main(args)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def reasons(briefs: Path, run: str) -> list[tuple[str, object]]:
    with Reader(f"sqlite:///{briefs}") as reader:
        return sorted((flag.reason, flag.step) for flag in reader.fetch(run).flags)


def test_importing_refork_imports_nothing_but_the_standard_library() -> None:
    script = (
        "import sys; before = set(sys.modules); import refork\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refork"]


def test_the_modules_of_refork_leave_its_functions_in_place() -> None:
    for module in ("refork.fork", "refork.prompts.candidates", "refork.production.reported_usage"):
        importlib.import_module(module)
    assert all(callable(getattr(refork, name)) for name in refork.__all__ if name != "__version__")


def test_several_flags_of_one_run_are_all_kept(briefs: Path) -> None:
    assert reasons(briefs, "brief-1") == [("says that revenue rose", 2), ("the reader complained", None)]


def test_a_run_is_flagged_by_its_id_and_the_same_reason_counts_once(briefs: Path) -> None:
    assert reasons(briefs, "hand-1") == [("thumbs down", None)]


def test_a_run_is_flagged_in_an_event_loop_and_by_a_client(briefs: Path) -> None:
    assert reasons(briefs, "inside-1") == [("flagged in an event loop", None), ("told by a client", None)]


def test_flags_and_usage_draw_no_steps(briefs: Path) -> None:
    with Reader(f"sqlite:///{briefs}") as reader:
        runs = {run.id: reader.run(run.id) for run in reader.runs()}
    assert [step.name for step in runs["brief-1"].steps] == ["figures", "ask", "publish"]
    assert [step.number for step in runs["hand-1"].steps] == [1, 2, 3]


def test_nothing_is_raised_whatever_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no")

    bad: object = Unspeakable()
    refork.flag(bad, bad, run_id="x")  # type: ignore[arg-type]
    refork.flag("no DBOS", run_id="x")
    refork.record_usage(input_tokens=bad, output_tokens=1)  # type: ignore[arg-type]


def test_an_evaluation_flags_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[str] = []

    def mark(run_id: str, _attributes: object, **_options: object) -> None:
        marked.append(run_id)

    monkeypatch.setattr("refork.production.run_attributes.mark", mark)
    refork.flag("bad", run_id="x")
    assert marked == ["x"]
    monkeypatch.setattr(hooks, "evaluation", object())
    refork.flag("bad", run_id="x")
    assert marked == ["x"]


def test_reported_usage_makes_a_model_step(briefs: Path) -> None:
    with Reader(f"sqlite:///{briefs}") as reader:
        step = reader.run("hand-1").step(2)
        listed = {run.id: run.usage for run in reader.runs()}
    used = Usage(calls=1, input_tokens=70, cached_tokens=20, output_tokens=7)
    assert step is not None
    assert (step.kind, step.model, step.usage) == ("model", "small-model", used)
    assert step.answer is not None
    assert step.answer.text == "Revenue increased by 12%."
    assert listed["hand-1"] == used


def test_runs_shows_a_mark_and_flagged_the_reasons(cli: Cli) -> None:
    _, out, _ = cli("runs")
    assert all("SUCCESS ⚑" in line for line in out.splitlines()[1:])
    code, out, _ = cli("runs", "--flagged", "--workflow", "brief", "--json")
    (found,) = json.loads(out)["runs"]
    assert code == 0
    assert [(flag["reason"], flag["step"]) for flag in found["flags"]] == [
        ("says that revenue rose", 2),
        ("the reader complained", None),
    ]
    _, out, _ = cli("runs", "--flagged")
    assert "thumbs down" in out


def test_runs_without_a_flag_are_not_among_the_flagged(
    sqlite_file: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", f"sqlite:///{sqlite_file}")
    assert cli("runs", "--flagged") == (0, "No runs match.\n", "")


@pytest.mark.slow
def test_flags_and_usage_are_kept_in_postgres(
    record_in: Callable[[str], None], postgres_url: str, shop_postgres: str
) -> None:
    record_in(postgres_url)
    with Reader(postgres_url) as reader:
        flagged = {run.id: run for run in reader.runs(flagged=True)}
    assert set(flagged) == {"brief-1", "hand-1", "inside-1"}
    assert sorted(flag.reason for flag in flagged["brief-1"].flags) == [
        "says that revenue rose",
        "the reader complained",
    ]
    assert flagged["hand-1"].usage == Usage(calls=1, input_tokens=70, cached_tokens=20, output_tokens=7)
    with Reader(shop_postgres) as reader:
        assert list(reader.runs(flagged=True)) == []


def test_show_tells_the_flags_and_the_model_step(cli: Cli) -> None:
    code, out, err = cli("show", "brief-1")
    assert code == 0, err
    assert "flagged: step 2: says that revenue rose" in out
    assert "flagged: the reader complained" in out
    (line,) = [line for line in out.splitlines() if line.startswith("2 ") or " 2 " in line[:4]]
    assert "model" in line
    assert "summarize" in line


def test_capture_takes_the_flagged_step(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("capture", "brief-1", "--name", "rosy")
    assert code == 0, err
    case = (tmp_path / "evals/cases/rosy/case.yaml").read_text()
    assert "step: 2" in case
    assert 'agent: "summarize"' in case


def test_flagged_runs_are_captured_where_their_flags_say_and_only_once(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("capture", "--where", "flagged", "--where", "workflow=brief")
    assert (code, "1 run: 1 case written" in out) == (0, True), err
    (case,) = (tmp_path / "evals/cases").glob("*/case.yaml")
    assert "step: 2" in case.read_text()
    _, out, _ = cli("capture", "--where", "flagged", "--where", "workflow=brief")
    assert "1 already captured" in out


@pytest.mark.parametrize(
    ("filters", "runs"), [(["flagged~COMPLAINED"], 1), (["flagged~nobody said so"], 0), (["flagged"], 3)]
)
def test_flagged_runs_are_chosen_by_words_of_the_reason(cli: Cli, filters: list[str], runs: int) -> None:
    code, out, _ = cli("capture", *(word for text in filters for word in ("--where", text)))
    assert code == 0
    assert out.splitlines()[-1 if not runs else -3].startswith(f"{runs} run" if runs else "No runs match")

"""refork diff of two trials: prompt, request, output and scores, from results.json."""

import json
from pathlib import Path

import pytest
from refork.cli import main
from refork.config import load_config
from refork_reports.commands.side_by_side._named_trials import is_trial, keep_results
from refork_reports.formats.html import write
from refork_reports.results_file.read import read
from refork_reports.views.run_pages.diff_page import render
from refork_reports.views.run_pages.side_by_side import Passage, Section, SideBySide
from support.report_browser import CHROMIUM, browser, need
from support.report_evaluations import HOSTILE, everything, realistic

FIRST, SECOND = "misleading-summary:current#1", "misleading-summary:careful#1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.refork]\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DBOS_SYSTEM_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    write(realistic(), tmp_path / "reports/agent-evals")
    return tmp_path


def diff(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["diff", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_prompts_outputs_and_scores_are_compared_by_word(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = diff(capsys, FIRST, SECOND)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith(f"- {FIRST}  fail  ")
    assert lines[1].startswith(f"+ {SECOND}  pass  ")
    assert lines[2] == "First difference: prompt"
    assert [line for line in lines if line.startswith("~ ")] == ["~ prompt", "~ output", "~ scores"]
    assert "{+" in out
    assert "[-" in out
    assert max(map(len, lines)) <= 80


def test_a_run_and_its_step_name_a_case_too(capsys: pytest.CaptureFixture[str]) -> None:
    _, by_case, _ = diff(capsys, FIRST, SECOND)
    for head in ("run-misl@7", "run-misl@summarizer", "run-misleading-summary"):
        assert diff(capsys, f"{head}:current#1", f"{head}:careful#1") == (0, by_case, "")


def test_as_json_every_part_has_both_texts_whole(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(diff(capsys, FIRST, SECOND, "--json")[1])
    assert (found["before"], found["after"]) == (FIRST, SECOND)
    prompt = found["parts"]["prompt"]
    assert not prompt["equal"]
    assert prompt["before"][""].startswith("You write the summary")
    assert found["parts"]["request"]["equal"]


def test_results_of_another_session_can_be_named(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(everything(), folder / "other")
    names = {case.name for case in read(folder / "other/results.json").cases}
    only = next(name for name in names if name not in {case.case.name for case in realistic().cases})
    assert diff(capsys, f"{only}:current#1", f"{only}:current#2")[0] == 2
    assert diff(capsys, FIRST, SECOND, "--results", "other")[0] == 0
    assert diff(capsys, FIRST, SECOND, "--results", "other/results.json")[0] == 0


def test_trials_of_the_last_try_are_found_beside_those_of_the_last_session(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    keep_results(realistic(), load_config(folder))
    (folder / "reports/agent-evals/results.json").unlink()
    assert diff(capsys, FIRST, SECOND)[0] == 0


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("misleading-sumary:careful#1", "the results have no such case; did you mean 'misleading-summary'?"),
        ("misleading-summary:carful#1", "has no such variant; did you mean 'careful'?"),
        ("misleading-summary:careful#99", "'careful' has no trial 99; its trials are 1 to 10"),
        ("renamed-transform:careful#1", "'careful' has no trial 1; it has none"),
        ("3f2a", "'3f2a' names no trial: write CASE:VARIANT#N or RUN@STEP:VARIANT#N"),
    ],
)
def test_a_name_that_fits_nothing_says_what_there_is(
    capsys: pytest.CaptureFixture[str], second: str, message: str
) -> None:
    code, out, err = diff(capsys, FIRST, second)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_runs_id_is_no_name_of_a_trial() -> None:
    assert not any(map(is_trial, ("3f2a", "3f2a@7", "a:b", "order#3", "")))
    assert is_trial("3f2a@7:gpt-5: mini#12")


def test_without_results_it_says_how_to_get_some(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "reports/agent-evals/results.json").unlink()
    code, _, err = diff(capsys, FIRST, SECOND)
    assert (code, err.count("\n")) == (2, 1)
    assert "run `pytest --agent-evals` or `refork try` first" in err


def test_hostile_text_is_obeyed_neither_on_the_page_nor_by_a_browser(folder: Path) -> None:
    sections = (
        Section(title=HOSTILE, passages=(Passage(title=HOSTILE, before=HOSTILE, after="calm"),)),
        Section(title="equal", passages=(Passage(title="", before=HOSTILE, after=HOSTILE),)),
    )
    page = render(SideBySide(first=(HOSTILE,), second=("b",), sections=sections, unit="part"))
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "\x1b" not in page
    file = folder / "diff.html"
    file.write_text(page, encoding="utf-8", errors="surrogatepass")
    with browser(need(CHROMIUM)) as tab:
        for width, dark in ((1280, False), (390, True)):
            tab.open(file, width=width, dark=dark)
            tab.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true })")
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            assert (tab.requests, tab.complaints) == ([file.as_uri()], [])

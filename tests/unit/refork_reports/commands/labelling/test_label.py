"""``refork label`` as somebody at a terminal meets it, and what it refuses."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from refork.case_files.case_file import load_case
from refork.case_files.run_file import save_run
from refork.cli import main
from refork.records import Answer, Case
from refork_evals.agreement.labels import load_labels
from refork_evals.agreement.rubrics import rubrics
from refork_evals.results import CaseResult, Verdict
from refork_reports.commands.labelling._labelling import questions, sitting
from refork_reports.results_json import dumps, read
from support.report_evaluations import HOSTILE, case, cell, evaluation, failed, passed
from support.sampled import sampled
from support.terminal_user import terminal

ASK = "q quit"
CASE = """\
version: 1
description: SECRET-DESCRIPTION
fork: {step: 7, agent: summarizer}
expect:
  - contains: fell
  - judge: Says that revenue fell.
"""
TEXTS = tuple(f"Revenue fell by {percent}% in March." for percent in range(1, 6))


def project(folder: Path, *, expect: str = CASE, texts: tuple[str, ...] = TEXTS) -> Path:
    """A project with the case ``fell`` and a report of two variants, which answered each text twice."""
    home = folder / "evals" / "cases" / "fell"
    home.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (home / "case.yaml").write_text(expect)
    save_run(home / "run.json", case("fell").run)
    if texts:
        report(folder, "fell", texts)
    return folder


def report(folder: Path, name: str, texts: tuple[str, ...]) -> None:
    cells = (
        cell(
            name, "current", Verdict.FAIL, [failed("current", n, text) for n, text in enumerate(texts * 2, 1)]
        ),
        cell(name, "careful", Verdict.PASS, [passed("careful", n, text) for n, text in enumerate(texts, 1)]),
    )
    written = folder / "reports" / "agent-evals" / "results.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    made = CaseResult(case=case(name), recorded=None, cells=cells)
    written.write_text(dumps(evaluation(made)), encoding="utf-8")


def home(folder: Path) -> Path:
    return folder / "evals" / "cases" / "fell"


def said(folder: Path) -> dict[str, bool]:
    return {label.begins: label.passes for label in load_labels(home(folder)).values()}


def test_a_person_labels_undoes_skips_and_quits(tmp_path: Path) -> None:
    project(tmp_path)
    with terminal(tmp_path, "label", "fell") as user:
        first = user.wait_for(ASK)
        assert "--- 1 of 6 ---" in first
        assert "Says that revenue fell." in first
        for key, shown in (
            ("y", "2 of 6"),
            ("n", "3 of 6"),
            ("u", "2 of 6"),
            ("s", "3 of 6"),
            ("Y", "4 of 6"),
        ):
            user.press(key)
            assert f"--- {shown} ---" in user.wait_for(ASK)
        user.press("q")
        assert user.ended() == 0
        assert user.screen.endswith("2 labelled (2 pass, 0 fail), 4 left; in evals/cases/fell/labels.jsonl\n")
    assert list(said(tmp_path).values()) == [True, True]


@pytest.mark.slow
def test_labelling_goes_on_where_it_was_left_and_says_when_all_is_done(tmp_path: Path) -> None:
    project(tmp_path)
    shown: list[str] = []
    for keys in ("yn", "ynyn"):
        with terminal(tmp_path, "label", "fell") as user:
            for key in keys:
                shown.append(user.wait_for(ASK).split("Output\n")[1].split("\n")[0])
                user.press(key)
            if len(keys) == 2:
                user.wait_for(ASK)
                user.press("q")
            assert user.ended() == 0
    assert len(set(shown)) == 6
    with terminal(tmp_path, "label", "fell") as user:
        assert user.ended() == 0
        assert "all 6 are labelled; --again asks about them again" in user.screen


@pytest.mark.slow
def test_what_is_labelled_can_be_labelled_again(tmp_path: Path) -> None:
    project(tmp_path, texts=())
    for key, options in (("y", ()), ("n", ("--again",))):
        with terminal(tmp_path, "label", "fell", *options) as user:
            user.wait_for(ASK)
            user.press(key)
            assert user.ended() == 0
    assert list(said(tmp_path).values()) == [False]


@pytest.mark.slow
@pytest.mark.parametrize("how", sampled(["key", "signal", "hangup"], quick=["key"]))
def test_an_interruption_loses_no_label(tmp_path: Path, how: str) -> None:
    project(tmp_path)
    with terminal(tmp_path, "label", "fell") as user:
        for key in "yyn":
            user.wait_for(ASK)
            user.press(key)
        user.wait_for(ASK)
        if how == "signal":
            user.interrupt()
        else:
            user.press("\x03" if how == "key" else "\x04")
        assert user.ended() == (0 if how == "hangup" else 130)
        assert "Traceback" not in user.screen
        assert "3 labelled (2 pass, 1 fail), 3 left" in user.screen
    assert sorted(said(tmp_path).values()) == [False, True, True]
    assert sorted(file.name for file in home(tmp_path).iterdir()) == ["case.yaml", "labels.jsonl", "run.json"]


def test_nothing_on_the_screen_tells_whose_an_output_is_or_what_a_scorer_said(tmp_path: Path) -> None:
    project(tmp_path)
    with terminal(tmp_path, "label", "fell") as user:
        for _ in range(6):
            user.wait_for(ASK)
            user.press("s")
        user.ended()
    for hidden in ("current", "careful", "recorded", "trial", "increased' is in", "SECRET", "gpt"):
        assert hidden not in user.screen


@pytest.mark.slow
def test_a_hostile_output_is_spelled_out_and_wrapped_in_a_narrow_terminal(tmp_path: Path) -> None:
    project(tmp_path, texts=(HOSTILE, "\x1b]0;owned\x07" + "収益" * 40))
    with terminal(tmp_path, "label", "fell", columns=32) as user:
        for _ in range(3):
            user.wait_for(ASK)
            user.press("s")
        assert user.ended() == 0
    assert "⟨ESC⟩[31mred" in user.screen
    assert "\x1b[31m" not in user.screen
    assert "\x1b]0;" not in user.screen
    assert not {"\u202e", "\u200b", "\x07"} & set(user.screen)
    blocks = [line for line in user.screen.split("\n") if line.startswith("  ")]
    assert max(map(len, blocks)) == 32


@pytest.mark.slow
def test_a_long_output_is_shown_in_part_until_somebody_asks_for_more(tmp_path: Path) -> None:
    project(tmp_path, texts=("a" * 5_000 + "MIDDLE" + "b" * 5_000,))
    with terminal(tmp_path, "label", "fell") as user:
        while "left out" not in (shown := user.wait_for(ASK)):
            user.press("s")
        assert "MIDDLE" not in shown
        assert "6,006 characters left out: m shows them" in shown
        user.press("m")
        assert "MIDDLE" in user.wait_for(ASK).replace("\n  ", "")


@pytest.mark.slow
def test_a_key_that_was_pressed_before_the_question_answers_nothing(tmp_path: Path) -> None:
    project(tmp_path)
    with terminal(tmp_path, "label", "fell") as user:
        user.press("yyyyyy")
        user.wait_for(ASK)
        user.press("q")
        assert user.ended() == 0
    assert said(tmp_path) == {}


@pytest.mark.slow
def test_other_keys_do_nothing(tmp_path: Path) -> None:
    project(tmp_path, texts=())
    with terminal(tmp_path, "label", "fell") as user:
        user.wait_for(ASK)
        for key in ("x", "\x1b[A", "u", "m", "é"):
            user.press(key)
            user.wait_for(ASK)
        user.press("q")
        assert user.ended() == 0
    assert "nothing to undo" in user.screen
    assert said(tmp_path) == {}


def test_a_pipe_is_refused_without_reading_it(tmp_path: Path) -> None:
    project(tmp_path)
    command = [sys.executable, "-m", "refork.cli", "label", "fell"]
    done = subprocess.run(command, cwd=tmp_path, input="y\ny\n", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "refork: labels are asked for in a terminal, and stdin or stdout is none: run it in one\n"
    )
    assert not (home(tmp_path) / "labels.jsonl").exists()


NO_JUDGE = "version: 1\nfork: {step: 7, agent: summarizer}\nexpect: [{contains: x}]\n"


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["label", *args]) == 2
    return capsys.readouterr().err


def test_a_case_that_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project(tmp_path))
    assert "evals/cases' is named 'fel'; did you mean 'fell'?" in refused(capsys, "fel")
    assert "evals/cases' is named '../cases/fell'" in refused(capsys, "../cases/fell")


def test_a_case_in_a_nested_folder_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, expect=NO_JUDGE)
    monkeypatch.chdir(folder)
    (folder / "evals/cases/team").mkdir()
    (folder / "evals/cases/fell").rename(folder / "evals/cases/team/fell")
    assert "case 'fell' has no judge among its expectations" in refused(capsys, "fell")


@pytest.mark.parametrize(
    ("expect", "finding"),
    [
        (
            "[{contains: x}]",
            "case 'fell' has no judge among its expectations, so there is nothing to check\n",
        ),
        ("[{any: [{judge: x}]}]", "one inside all, any or not is not checked"),
        ("[{judge: {rubrik: x}}]", "unknown key 'rubrik'"),
        (
            "[{judge: {rubric: x, from: structured}}]",
            "has no output to label: run `pytest --agent-evals` first",
        ),
    ],
)
def test_a_case_that_cannot_be_labelled_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    expect: str,
    finding: str,
) -> None:
    written = f"version: 1\nfork: {{step: 7, agent: summarizer}}\nexpect: {expect}\n"
    monkeypatch.chdir(project(tmp_path, expect=written))
    assert finding in refused(capsys, "fell")


def test_without_a_report_it_says_that_only_the_recorded_answer_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project(tmp_path, texts=()))
    assert "'reports/agent-evals/results.json' does not exist, so only the recorded" in refused(
        capsys, "fell"
    )
    report(tmp_path, "another", TEXTS)
    assert "results.json' holds no case 'fell', so only the recorded answer" in refused(capsys, "fell")


@pytest.mark.parametrize("file", ["reports/agent-evals/results.json", "evals/cases/fell/labels.jsonl"])
def test_a_damaged_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    monkeypatch.chdir(project(tmp_path))
    (tmp_path / file).write_text('{"version": 1', encoding="utf-8")
    said = refused(capsys, "fell")
    assert Path(file).name in said
    assert said.count("\n") == 1


def loaded(folder: Path) -> Case:
    return load_case(home(folder))


def test_the_order_is_mixed_and_the_same_whoever_answered(tmp_path: Path) -> None:
    found = loaded(project(tmp_path))
    (entry,) = read(tmp_path / "reports" / "agent-evals" / "results.json").cases
    asked = [each.material for each in questions(found, rubrics(found), entry)]
    turned = entry.model_copy(update={"cells": entry.cells[::-1]})
    assert asked == [each.material for each in questions(found, rubrics(found), turned)]
    assert [text for text in asked if text in TEXTS] != list(TEXTS)
    assert len(asked) == 6


def test_an_output_is_asked_about_once_for_each_rubric(tmp_path: Path) -> None:
    found = replace(loaded(project(tmp_path)), expect=({"judge": "one"}, {"judge": "two"}, {"judge": "one"}))
    asked = questions(found, rubrics(found), None)
    assert [each.rubric.text for each in asked] == ["one", "two"]


def test_undo_gives_back_what_was_there_before(tmp_path: Path) -> None:
    found = loaded(project(tmp_path))
    asked = questions(found, rubrics(found), None)
    saved: list[list[bool]] = []
    first = sitting(asked, {}, lambda labels: saved.append([each.passes for each in labels]), again=False)
    first.label(passes=True)
    second = sitting(
        asked, first.labels, lambda labels: saved.append([each.passes for each in labels]), again=True
    )
    second.label(passes=False)
    assert second.question is None
    assert second.undo()
    assert not second.undo()
    assert saved == [[True], [False], [True]]


def test_an_answer_of_the_report_is_the_one_of_the_trial(tmp_path: Path) -> None:
    odd = Answer(text="\ud800 fell", structured={"x": float("nan")})
    made = failed("current", 1, "x")
    trial = replace(made, trial=replace(made.trial, answer=odd))
    result = CaseResult(
        case=case("fell"), recorded=None, cells=(cell("fell", "current", Verdict.FAIL, [trial]),)
    )
    file = tmp_path / "results.json"
    file.write_text(dumps(evaluation(result)), encoding="utf-8")
    found = loaded(project(tmp_path / "project", texts=()))
    from refork_evals.digests import output_digest

    asked = questions(found, rubrics(found), read(file).cases[0])
    assert output_digest(odd) in {each.output for each in asked}

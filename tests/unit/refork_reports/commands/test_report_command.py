"""refork report: a report again from results.json, and one of several."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import refork
from click.testing import CliRunner, Result
from refork.cli import commands
from refork.errors import BadFileError, BadInputError
from refork_evals.results import CaseResult, PastSession, SuiteResult, Verdict
from refork_reports import results_json
from refork_reports.formats import html, markdown
from refork_reports.formats.terminal import summary
from support.gated import gated
from support.report_evaluations import (
    BEGIN,
    cell,
    evaluation,
    everything,
    guard,
    hostile,
    malformed_sql,
    misleading_summary,
    mixed,
    realistic,
    stale,
    tail,
    unmeasured,
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["report", *map(str, arguments)], prog_name="refork")


def written(found: SuiteResult, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(results_json.dumps(found), encoding="utf-8")
    return path


class _Tables(HTMLParser):
    """The texts of all cells of tables, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in {"td", "th"}:
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def table_texts(page: str) -> list[str]:
    found = _Tables()
    found.feed(page)
    return found.texts


def plain_tail() -> CaseResult:
    """The tails without the one whose text no JSON can hold as it is."""
    made = tail()
    cells = [
        replace(
            each,
            trials=tuple(trial for trial in each.trials if trial.trial.number != 3),
            failures=each.failures - (each.variant == "current"),
            passes=each.passes - (each.variant != "current"),
        )
        for each in made.cells
    ]
    return replace(made, cells=tuple(cells))


@pytest.mark.parametrize(
    "made",
    [
        realistic,
        gated,
        lambda: evaluation(plain_tail()),
        lambda: evaluation(stale(), unmeasured()),
        lambda: evaluation(guard(), malformed_sql()),
    ],
    ids=["realistic", "gated", "tail", "stale and unmeasured", "guard and tools"],
)
def test_the_page_made_again_is_the_sessions_page(made: Callable[[], SuiteResult], tmp_path: Path) -> None:
    session = made()
    file = written(session, tmp_path / "results.json")
    for name, render in (("again.html", html.render), ("again.md", markdown.render)):
        done = run(file, "-o", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).read_text(encoding="utf-8") == render(session)


def test_results_json_made_again_is_the_same_file(tmp_path: Path) -> None:
    file = written(everything(), tmp_path / "results.json")
    run(file, "-o", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_hostile_text_is_shown_as_in_the_sessions_page_and_runs_nothing(tmp_path: Path) -> None:
    file = written(evaluation(hostile()), tmp_path / "results.json")
    run(file, "-o", tmp_path / "again.html")
    page = (tmp_path / "again.html").read_text(encoding="utf-8")
    again, there = table_texts(page), table_texts(html.render(evaluation(hostile())))
    assert [re.sub(r"\W?U\+D800\W?|\\ud800", "?", text) for text in again] == [
        re.sub(r"\W?U\+D800\W?", "?", text) for text in there
    ]
    assert "<script>alert" not in page
    assert "<img" not in page


def test_a_folder_gets_the_page_the_summary_and_the_results(tmp_path: Path) -> None:
    written(realistic(), tmp_path / "session" / "results.json")
    done = run(tmp_path / "session", "-o", tmp_path / "again")
    assert f"report: {tmp_path / 'again' / 'report.html'}" in done.output
    assert {path.name for path in (tmp_path / "again").iterdir()} == {
        ".gitignore", "report.html", "results.json", "summary.md"
    }  # fmt: skip


def two_sessions(tmp_path: Path) -> tuple[Path, Path]:
    fixing = misleading_summary()
    early = evaluation(fixing, guard())
    name = fixing.case.name
    fewer = replace(
        fixing, cells=(cell(name, "strict", Verdict.PASS, mixed("strict", 9), fixes=True), fixing.cells[0])
    )
    late = replace(evaluation(fewer, malformed_sql()), started_at=BEGIN + timedelta(days=1))
    return written(early, tmp_path / "a" / "results.json"), written(late, tmp_path / "b" / "results.json")


def test_several_sessions_become_one_page_with_each_cell_once(tmp_path: Path) -> None:
    files = two_sessions(tmp_path)
    done = run(*files, "-o", tmp_path / "both.html")
    assert done.exit_code == 0, done.output
    assert "'current' of case 'misleading-summary' is in" in done.output
    both = refork.load_evaluation(*files)
    variants = [(case.case.name, [cell.variant for cell in case.cells]) for case in both.result.cases]
    assert variants == [
        ("misleading-summary", ["current", "careful", "terse", "strict"]),
        ("quarterly-summary", ["current", "careful", "terse"]),
        ("malformed-sql", ["current", "schema-first", "short"]),
    ]
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert "This report is of 2 sessions." in page
    assert page == html.render(both.result)


def test_totals_of_several_sessions_are_the_sums_over_their_cells(tmp_path: Path) -> None:
    both = refork.load_evaluation(*two_sessions(tmp_path)).result
    assert both.totals is not None
    assert both.totals.trials == sum(len(cell.trials) for cell in both.cells)
    assert both.totals.paid is not None
    assert both.totals.paid.tokens == sum(cell.paid.tokens for cell in both.cells if cell.paid)
    assert both.gate is None


def test_verdicts_of_several_sessions_stay_those_of_their_sessions(tmp_path: Path) -> None:
    files = two_sessions(tmp_path)
    both = refork.load_evaluation(*files).verdicts
    last = refork.load_evaluation(files[1]).verdicts
    assert all(both[key] is verdict for key, verdict in last.items())


def test_an_evaluation_from_a_file_compares_and_gives_frames_as_the_session_does(tmp_path: Path) -> None:
    session = refork.Evaluation(realistic())
    loaded = refork.load_evaluation(written(realistic(), tmp_path / "results.json"))
    assert loaded.verdicts == session.verdicts
    assert loaded.winners == session.winners
    assert loaded.compare("careful") == session.compare("careful")
    for rows in ("cells", "trials", "scores"):
        assert loaded.to_frame(rows).equals(session.to_frame(rows))
    assert summary(loaded.result) == summary(session.result)


def test_a_file_of_an_earlier_refork_is_shown_and_says_what_it_lacks(tmp_path: Path) -> None:
    old = json.loads(results_json.dumps(evaluation(tail())))
    del old["sections"]
    for case in old["cases"]:
        del case["prompt"], case["fingerprint"]
        for trial in (case["recorded"], *(trial for each in case["cells"] for trial in each["trials"])):
            del trial["reused_steps"]
            for step in trial["trajectory"]:
                for key in ("operation", "tool", "answer", "error", "user", "turn"):
                    del step[key]
    file = tmp_path / "results.json"
    file.write_text(json.dumps(old), encoding="utf-8")
    assert run(file, "-o", tmp_path / "again.html").exit_code == 0
    page = (tmp_path / "again.html").read_text(encoding="utf-8")
    assert "An earlier Refork wrote the file" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged or truncated"),
        ('{"version": 9}', "newer Refork"),
        ('{"version": 1}', "is damaged"),
        ("[" * 5000, "results.json"),
    ],
)
def test_a_broken_file_is_refused_with_a_sentence_and_nothing_is_written(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "results.json"
    file.write_text(text, encoding="utf-8")
    done = run(file, "-o", tmp_path / "again.html")
    assert isinstance(done.exception, BadFileError)
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "again.html").exists()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("step", 99, "step 99 is none of its run"),
        ("run.created_at", "2026-01-01T00:00:00", "contradicts itself"),
        ("recorded.number", "one", "must be"),
        ("recorded", "x", "must be"),
        ("cells", [None], "must be"),
        ("cells.0.passes", -1, "the counts of 'current' of case"),
        ("cells.0.missing", -1, "the counts of 'current' of case"),
    ],
    ids=[
        "no fork point",
        "times without a zone",
        "a word as a number",
        "a word as a trial",
        "no cell",
        "fewer than none",
        "fewer than none missing",
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_a_sentence(
    place: str, value: object, said: str, tmp_path: Path
) -> None:
    broken = json.loads(results_json.dumps(realistic()))
    *above, key = place.split(".")
    entry: Any = broken["cases"][0]
    for each in above:
        entry = entry[int(each)] if isinstance(entry, list) else entry[each]
    entry[key] = value
    file = tmp_path / "results.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    done = run(file, "-o", tmp_path / "again.html")
    assert isinstance(done.exception, BadFileError), done.exception
    assert said in str(done.exception)
    assert not (tmp_path / "again.html").exists()


def test_a_kind_of_report_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    done = run(written(realistic(), tmp_path / "results.json"), "-o", tmp_path / "again.htm")
    assert isinstance(done.exception, BadInputError)
    assert "name a .html, .json or .md file, or a folder" in str(done.exception)


def test_a_report_that_is_neither_written_nor_logged_is_a_mistake(tmp_path: Path) -> None:
    done = run(written(realistic(), tmp_path / "results.json"))
    assert isinstance(done.exception, BadInputError)
    assert "nothing to do: name a report with -o" in str(done.exception)


def test_the_commit_and_the_versions_of_the_session_are_kept(tmp_path: Path) -> None:
    own = PastSession(
        started_at=BEGIN, seconds=83.4, commit="c" * 40, dirty=False, versions={"python": "3.11.7"}
    )
    session = replace(realistic(), history=(own,), sections=())
    file = written(session, tmp_path / "results.json")
    run(file, "-o", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == file.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["commit"] == "c" * 40


def test_a_report_needs_no_file_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(realistic(), tmp_path / "results.json")
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert run(file, "-o", "report.html").exit_code == 0
    assert [path.name for path in empty.iterdir()] == ["report.html"]


def test_nothing_to_load_is_said() -> None:
    with pytest.raises(BadInputError, match=r"name a results\.json"):
        refork.load_evaluation()

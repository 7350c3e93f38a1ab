"""The timeline of ``refork show``: folded, marked, and readable at any width."""

import pytest
from refork.records import Answer, RecordedError, Run, Step, StepKind, ToolCall
from refork.tool_policy import ToolPolicy
from refork.tool_policy.rule_files import project_rules
from refork_evals.scan.one_run import BrokenAt
from refork_reports.commands.recorded._timeline import print_folded
from refork_reports.views.run_pages.step_marks import StepMarks, step_marks

Capture = pytest.CaptureFixture[str]
POLICY = ToolPolicy(rules=project_rules({"book": {"writes": True}}))


def steps() -> list[Step]:
    asked = tuple(ToolCall(name="look", arguments={"city": city}) for city in ("Rome", "Oslo", "Bern"))
    return [
        Step(number=1, name="ask", kind=StepKind.MODEL, agent="planner", answer=Answer(tool_calls=asked)),
        *(Step(number=n, name="look", kind=StepKind.TOOL, tool="look", output=f"{n}") for n in (2, 3, 4)),
        Step(number=5, name="DBOS.sleep"),
        Step(number=6, name="DBOS.writeStream"),
        *(Step(number=n, name="poll", output="pending") for n in range(7, 35)),
        Step(number=35, name="book", kind=StepKind.TOOL, tool="book", output="\x1b[31mbooked"),
        Step(
            number=36, name="book", kind=StepKind.TOOL, tool="book", error=RecordedError(type="E", message="")
        ),
    ]


def run_of(error: RecordedError | None = None) -> Run:
    return Run(id="r", workflow="w", status="SUCCESS", error=error, steps=tuple(steps()))


def printed(capsys: Capture, run: Run, marks: StepMarks | None = None, *, unfold: bool = False) -> str:
    print_folded(run, marks or step_marks(run, POLICY), unfold=unfold)
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_what_repeats_and_plumbing_are_folded_and_counted(capsys: Capture) -> None:
    out = printed(capsys, run_of())
    assert "8–34" in out
    assert "27× again" in out
    assert "the last: pending" in out
    assert "DBOS.sleep" not in out
    assert out.splitlines()[-1] == (
        "Folded: 27 steps that repeat and 2 steps of DBOS's own (1 sleep, 1 writeStream); --all shows every step."
    )


def test_all_unfolds(capsys: Capture) -> None:
    out = printed(capsys, run_of(), unfold=True)
    assert out.count("pending") == 28
    assert "DBOS.sleep" in out
    assert "Folded" not in out


def test_every_one_of_parallel_calls_has_a_line(capsys: Capture) -> None:
    lines = [line.strip() for line in printed(capsys, run_of()).splitlines()]
    assert lines[1].endswith('→ look({"city": "Rome"})')
    assert lines[2:4] == ['→ look({"city": "Oslo"})', '→ look({"city": "Bern"})']


def test_what_writes_and_the_step_whose_error_ended_the_run_are_marked(capsys: Capture) -> None:
    lines = printed(capsys, run_of(RecordedError(type="E", message=""))).splitlines()
    assert next(line for line in lines if " 35 " in line).startswith("✎ ")
    assert next(line for line in lines if " 36 " in line).startswith("✗✎")
    assert "✗ broken here  ✎ writes" in lines


def test_the_first_step_at_which_an_expectation_is_broken_is_marked_and_explained(capsys: Capture) -> None:
    broken = [BrokenAt(step=35, what="tool_not_called: book", reason="was called: \x1b[2Jbook")]
    run = run_of()
    out = printed(capsys, run, step_marks(run, ToolPolicy(), broken))
    assert next(line for line in out.splitlines() if " 35 " in line).startswith("✗ ")
    assert r"✗ step 35: tool_not_called: book: was called: \x1b[2Jbook" in out


def test_without_marks_there_is_no_column_for_them(capsys: Capture) -> None:
    lines = printed(capsys, run_of(), StepMarks()).splitlines()
    assert lines[0].lstrip().startswith("#")
    assert "writes" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_of_the_table_is_wider_than_the_terminal(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = printed(capsys, run_of())
    table = [line for line in out.splitlines() if not line.startswith("Folded")]
    assert max(map(len, table)) <= width
    assert "\x1b" not in out
    assert "27× again" in out

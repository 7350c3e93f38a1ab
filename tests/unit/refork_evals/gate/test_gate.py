"""The gate: current beside what was accepted."""

import dataclasses
import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.errors import BadFileError, BadInputError
from refork.records import Request
from refork.records.outcome import ErrorKind, TrialError
from refork.records.variant import CURRENT
from refork_evals.gate import (
    Baseline,
    BaselineCase,
    Leniency,
    fingerprint_of,
    judge_gate,
    load_baseline,
    parse_baseline,
    save_baseline,
    updated,
)
from refork_evals.gate.judge import before_of
from refork_evals.plans.planning import Before, Defaults, plan_of
from refork_evals.results import CaseResult, Change, Fingerprint, Gate, GateFinding, Verdict
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.scorers.registry import forget_scorers, scorer
from refork_evals.trials import scored_by_test
from refork_evals.verdicts.cells import cell_from_scored, unmeasured_cell
from support.evals_builders import broken_trial, case, trial

PRINT = Fingerprint(run="r", scorers="s")
TODAY = date(2026, 1, 2)


def entry(passes: int = 29, trials: int = 30, **changed: Any) -> BaselineCase:
    given: dict[str, Any] = {"model": "small", "run": "r", "scorers": "s", "measured_on": TODAY, **changed}
    return BaselineCase(passes=passes, trials=trials, **given)


def result(
    name: str,
    marks: str,
    baseline: Baseline,
    *,
    defaults: Defaults | None = None,
    cases: int = 1,
    model: str = "small",
    **fields: Any,
) -> CaseResult:
    """A case whose trials passed (``+``), failed (``-``) or could not be measured (``!``), decided by its plan."""
    made = case(name, **fields)
    before = before_of(baseline.cases.get(name), PRINT, model)
    plan = plan_of(made, defaults or Defaults(), cases=cases, before=before, gated=True)
    scored = [
        scored_by_test(broken_trial(n) if mark == "!" else trial(n), passed=mark == "+")
        for n, mark in enumerate(marks)
    ]
    cell = cell_from_scored(made, CURRENT, scored, min_pass_rate=0.7, plan=plan, request=Request(model=model))
    return CaseResult(
        case=made, recorded=None, cells=(cell,), fingerprint=PRINT, place=f"evals/cases/{name}/case.yaml"
    )


def judged(
    marks: dict[str, str], baseline: Baseline, *, fields: dict[str, Any] | None = None, **how: Any
) -> Gate:
    results = [
        result(name, each, baseline, cases=len(marks), **(fields or {})) for name, each in marks.items()
    ]
    return judge_gate(results, baseline, Defaults(), source="baseline.json", **how)


ONE = Baseline(cases={"a": entry()})


def test_a_case_that_fell_blocks_and_says_from_what_to_what_and_how_to_repeat_it() -> None:
    gate = judged({"a": "-" * 6}, ONE)
    (found,) = gate.cases
    assert (found.finding, found.blocks, gate.passes) == (GateFinding.REGRESSED, True, False)
    assert "0 of 6 passed (0%), before 29 of 30 (97%)" in found.said
    assert "at most 5.00% of gates where nothing changed" in found.said
    assert found.command == "pytest --agent-evals --agent-evals-gate evals/cases/a/case.yaml"


def test_a_case_that_held_passes() -> None:
    gate = judged({"a": "+" * 12}, ONE)
    assert [(each.finding, each.blocks) for each in gate.cases] == [(GateFinding.HELD, False)]
    assert gate.passes
    assert "falls from 95% to" in gate.could_find


@pytest.mark.parametrize(
    ("marks", "before", "fields", "verdict"),
    [
        ("+" * 12, 29, {}, Verdict.HELD),
        ("-" * 12, 1, {}, Verdict.HELD),
        ("-" * 6, 29, {}, Verdict.DROPPED),
        ("-" * 20, 1, {"min_pass_rate": 0.5}, Verdict.FAIL),
        ("+-+-+", 29, {}, Verdict.INCONCLUSIVE),
    ],
)
def test_beside_a_baseline_a_case_held_or_dropped_and_fails_only_its_own_min_pass_rate(
    marks: str, before: int, fields: dict[str, Any], verdict: Verdict
) -> None:
    found = result("a", marks, Baseline(cases={"a": entry(passes=before)}), **fields)
    assert [cell.verdict for cell in found.cells] == [verdict]


def test_the_mean_drop_that_is_ruled_out_is_said() -> None:
    baseline = Baseline(cases={f"c{n}": entry() for n in range(20)})
    well = judged(dict.fromkeys(baseline.cases, "+" * 12), baseline).suite
    some = judged(dict.fromkeys(baseline.cases, "+-+++"), baseline).suite
    assert well is not None
    assert some is not None
    assert well.at_most == 0
    assert some.at_most is not None
    assert 0.17 < some.at_most < 0.3


@pytest.mark.parametrize("drop", [0.01, 0.1, 0.29])
def test_a_small_drop_needs_a_large_baseline(drop: float) -> None:
    small, large = Before(passes=29, trials=30), Before(passes=58, trials=60)
    defaults = Defaults(smallest_drop=drop)
    with pytest.raises(
        BadInputError, match=r"needs a baseline of at least 60 trials.*has 30.*baseline_trials"
    ):
        plan_of(case("a"), defaults, cases=1, before=small, gated=True)
    plan_of(case("a"), defaults, cases=1, before=large, gated=True)
    plan_of(case("a"), Defaults(smallest_drop=0.3), cases=1, before=small, gated=True)


def test_a_case_that_rose_is_improved() -> None:
    gate = judged({"a": "+" * 20}, Baseline(cases={"a": entry(passes=10)}))
    assert gate.cases[0].finding is GateFinding.IMPROVED


def test_what_is_undecided_passes_unless_the_project_says_otherwise() -> None:
    marks = {"a": "+-+-+"}
    assert judged(marks, ONE).passes
    strict = judged(marks, ONE, lenient=Leniency(inconclusive=False))
    assert [(each.finding, each.blocks) for each in strict.cases] == [(GateFinding.INCONCLUSIVE, True)]


def test_a_case_that_could_never_fail_blocks_and_says_what_to_change() -> None:
    few = [result("a", "-", ONE, trials=1, cases=40)]
    gate = judge_gate(few, ONE, Defaults(), source="baseline.json", cases=40)
    assert [(each.finding, each.blocks) for each in gate.cases] == [(GateFinding.UNDECIDABLE, True)]
    assert "raise max_trials" in gate.cases[0].said
    assert "need not be found" in gate.could_find


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "other"}, "its recorded run or fork point has changed"),
        ({"scorers": "other"}, "its expectations, or the code that scores them, have changed"),
        ({"model": "large"}, "its model is 'small', and was 'large' in the baseline"),
    ],
)
def test_what_is_no_longer_the_same_case_is_not_compared(changed: dict[str, Any], said: str) -> None:
    baseline = Baseline(cases={"a": entry(**changed)})
    gate = judged({"a": "+" * 12}, baseline)
    (found,) = gate.cases
    assert (found.finding, found.blocks) == (GateFinding.CHANGED, True)
    assert said in found.said
    assert "--agent-evals-update-baseline" in found.said
    assert judged({"a": "+" * 12}, baseline, lenient=Leniency(changed=True)).passes


@pytest.mark.parametrize(
    ("marks", "finding"),
    [
        ("-" * 6 + "!", GateFinding.REGRESSED),
        ("++-!!+!!+", GateFinding.ERROR),
        ("++!" * 4 + "+" * 20 + "!", GateFinding.HELD),
    ],
    ids=["the measured trials alone show it", "with those that were lost", "too few were lost to matter"],
)
def test_a_trial_that_could_not_be_measured_is_no_pass(marks: str, finding: GateFinding) -> None:
    (found,) = judged({"a": marks}, ONE).cases
    assert found.finding is finding
    assert found.blocks is (finding is not GateFinding.HELD)
    if finding is GateFinding.ERROR:
        passes, lost = marks.count("+"), marks.count("!")
        seen = f"{passes} of {len(marks)} passed, {lost} could not be measured"
        assert found.said.startswith(f"{seen}, before 29 of 30 and all measured; the first: ")
        assert not judged({"a": marks}, ONE, lenient=Leniency(errors=True)).passes


@given(marks=st.text("+-!", min_size=1, max_size=60))
def test_no_gate_passes_because_a_failure_could_not_be_measured(marks: str) -> None:
    assert judged({"a": marks.replace("!", "-")}, ONE).passes or not judged({"a": marks}, ONE).passes


def test_a_new_case_blocks_only_where_it_fails() -> None:
    gate = judged({"a": "+" * 12, "new": "+" * 20}, ONE)
    assert (gate.cases[1].finding, gate.passes) == (GateFinding.NEW, True)
    assert not judged({"a": "+" * 12, "new": "-" * 20}, ONE).passes


def test_a_case_that_is_gone_blocks_where_all_were_asked_for() -> None:
    both = Baseline(cases={"a": entry(), "gone": entry()})
    gate = judged({"a": "+" * 12}, both)
    assert [(each.case, each.finding, each.blocks) for each in gate.cases][1] == (
        "gone",
        GateFinding.REMOVED,
        True,
    )
    assert judged({"a": "+" * 12}, both, complete=False).passes


def unkept(case: str) -> CaseResult:
    """A case whose answers are not kept, where no call may be made."""
    broken = result(case, "!" * 5, ONE)
    error = TrialError(type="AnswerMissingError", message="not kept", kind=ErrorKind.ANSWER_MISSING)
    trials = tuple(
        dataclasses.replace(each, trial=dataclasses.replace(each.trial, answer=None, error=error), scores=())
        for each in broken.cells[0].trials
    )
    return dataclasses.replace(broken, cells=(dataclasses.replace(broken.cells[0], trials=trials),))


def test_errors_and_stale_cases_block_and_missing_answers_may_be_let_pass() -> None:
    broken, good = result("a", "!" * 5, ONE), result("a", "+" * 12, ONE)
    (cell,) = broken.cells
    assert cell.verdict is Verdict.ERROR
    stale = dataclasses.replace(
        broken,
        cells=(unmeasured_cell(broken.case, CURRENT, Verdict.STALE, "step 3 is gone", min_pass_rate=0.7),),
    )
    for each, lenient, passes in [
        (broken, Leniency(), False),
        (broken, Leniency(errors=True), False),
        (unkept("b"), Leniency(), False),
        (unkept("b"), Leniency(errors=True), True),
        (stale, Leniency(errors=True), False),
    ]:
        gate = judge_gate([each, good], ONE, Defaults(), source="b", lenient=lenient)
        assert gate.passes is passes


def test_a_gate_that_measured_nothing_is_red_whatever_is_forgiven() -> None:
    gate = judge_gate([unkept("a")], ONE, Defaults(), source="b", lenient=Leniency(errors=True))
    assert not gate.passes
    assert "measured nothing" in gate.cases[0].said


def test_a_case_that_misses_its_own_rate_fails_although_it_did_not_drop() -> None:
    baseline = Baseline(cases={"a": entry(passes=12)})
    gate = judged({"a": "+--+-+--+-" * 3}, baseline, fields={"min_pass_rate": 0.9})
    assert [(each.finding, each.blocks) for each in gate.cases] == [(GateFinding.FAILED, True)]
    assert "below its own min_pass_rate 0.9" in gate.cases[0].said


def test_many_small_drops_fail_the_suite_though_no_case_does() -> None:
    names = [f"c{n}" for n in range(20)]
    baseline = Baseline(cases={name: entry(passes=27) for name in names})
    gate = judged(dict.fromkeys(names, "++-+-++-"), baseline)
    assert not any(each.blocks for each in gate.cases)
    assert gate.suite is not None
    assert gate.suite.dropped
    assert not gate.passes


def test_a_comparison_says_how_far_and_how_sure() -> None:
    (cell,) = result("a", "+" * 6 + "-" * 9, ONE).cells
    assert cell.comparison is not None
    assert cell.comparison.change is Change.REGRESSED
    assert cell.comparison.difference == pytest.approx(6 / 15 - 29 / 30)
    assert cell.comparison.interval is not None
    assert -0.8 < cell.comparison.interval.low < cell.comparison.interval.high < -0.2


class TestTheBaselineItself:
    def test_it_comes_back_as_it_was_written_its_cases_by_name(self, tmp_path: Path) -> None:
        baseline = Baseline(cases={"b": entry(1), "a": entry(2)})
        path = tmp_path / "baseline.json"
        save_baseline(path, baseline)
        found, where = load_baseline("", default=path, root=tmp_path)
        assert (found, where) == (baseline, "baseline.json")
        assert list(json.loads(path.read_text())["cases"]) == ["a", "b"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"version": 2}, "was written by a newer Refork"),
            ({"case": {}}, "unknown key 'case'; did you mean 'cases'?"),
            ({"cases": {"a": {}}}, "the key 'cases.a.passes' is missing"),
            ({"cases": {"a": {**entry(3).model_dump(mode="json"), "trials": 2}}}, "3 passes of 2 trials"),
            (
                {"cases": {"a": {**entry(3).model_dump(mode="json"), "passes": -1}}},
                "greater than or equal to 0",
            ),
        ],
    )
    def test_what_will_not_do_is_named(self, change: dict[str, Any], said: str) -> None:
        document = {"version": 1, "refork": "0.1.0", "cases": {}, **change}
        with pytest.raises(BadFileError) as caught:
            parse_baseline(json.dumps(document), path="baseline.json")
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_one_that_is_missing_says_how_to_make_it(self, tmp_path: Path) -> None:
        with pytest.raises(BadFileError, match="pytest --agent-evals --agent-evals-update-baseline"):
            load_baseline("", default=tmp_path / "baseline.json", root=tmp_path)

    def test_it_is_taken_from_a_commit_whatever_the_branch_says(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet", "--initial-branch", "main")
        path = tmp_path / "evals" / "baseline.json"
        save_baseline(path, ONE)
        git(tmp_path, "add", ".")
        git(
            tmp_path,
            "-c",
            "user.name=n",
            "-c",
            "user.email=e@e",
            "commit",
            "--quiet",
            "--message",
            "accepted",
        )
        save_baseline(path, Baseline(cases={"a": entry(1)}))
        found, where = load_baseline("git:main", default=path, root=tmp_path)
        assert (found, where) == (ONE, "baseline.json of main")
        for reference, said in [("git:nowhere", "gives no baseline"), ("git:--help", "names no commit")]:
            with pytest.raises(BadInputError, match=said):
                load_baseline(reference, default=path, root=tmp_path)

    def test_a_new_one_holds_what_was_measured_and_none_of_what_was_not(self) -> None:
        good, bad = result("a", "+" * 30, Baseline()), result("b", "+!" * 15, Baseline())
        made, problems = updated(None, [good], today=TODAY)
        assert (made.cases, problems) == ({"a": entry(30)}, ())
        kept, problems = updated(Baseline(cases={"b": entry(4)}), [good, bad], today=TODAY)
        assert kept.cases == {"a": entry(30), "b": entry(4)}
        assert [problem.partition(":")[0] for problem in problems] == ["b"]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


class TestWhatACaseMeasures:
    def test_it_changes_with_the_fork_point_the_expectations_the_judge_and_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expect = ({"judge": "Says that revenue fell."},)
        monkeypatch.setenv("REFORK_JUDGE_MODEL", "judge-1")
        first = fingerprint(expect=expect)
        assert fingerprint(expect=expect, description="other words", trials=3) == first
        assert fingerprint(expect=expect, step=1).run != first.run
        assert fingerprint(expect=({"contains": "fell"},)).scorers != first.scorers
        monkeypatch.setenv("REFORK_JUDGE_MODEL", "judge-2")
        assert fingerprint(expect=expect).scorers != first.scorers

    def test_it_changes_with_the_code_of_a_scorer_or_a_test(self) -> None:
        def one(sample: Any) -> bool:
            return bool(sample.answer.text)

        def two(sample: Any) -> bool:
            return not sample.answer.text

        found: list[Fingerprint] = []
        for function in (one, two, one):
            scorer("own")(function)
            found.append(fingerprint(expect=({"own": None},)))
            forget_scorers()
        assert found[0] == found[2] != found[1]
        tests = [fingerprint_of(case(), (), test=function) for function in (one, two, one)]
        assert tests[0] == tests[2] != tests[1]


def fingerprint(**fields: Any) -> Fingerprint:
    made = case(**fields)
    return fingerprint_of(made, parse_expectations(made))

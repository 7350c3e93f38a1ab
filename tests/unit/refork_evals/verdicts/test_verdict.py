"""Verdicts of cases and of suites."""

import dataclasses
from typing import Any

import pytest
from refork.records.outcome import ForkStatus, Outcome, Trial, Unmeasured
from refork_evals import Verdict
from refork_evals.results import CaseResult, Change, Method, ScoredTrial
from refork_evals.results.spending import whole_reruns
from refork_evals.scorers.registry import parse_scorer
from refork_evals.verdicts.verdict import evaluate, judge_case, too_few_trials, with_cells
from support.evals_builders import NOON, case, outcome

FELL = [parse_scorer({"contains": "fell"})]


def judged(name: str = "misleading-summary", /, **texts: str) -> CaseResult:
    found = case(name, min_pass_rate=0.8)
    trials = max(map(len, texts.values()))
    return judge_case(found, outcome(name, **texts), FELL, variants=tuple(texts), trials=trials)


def verdicts(result: CaseResult) -> dict[str, Verdict]:
    return {cell.variant: cell.verdict for cell in result.cells}


def test_a_candidate_that_fixes_a_red_case_wins() -> None:
    result = judged(current="-" * 14, careful="+" * 14, hasty="+-" * 7)
    assert verdicts(result) == {"current": Verdict.FAIL, "careful": Verdict.PASS, "hasty": Verdict.FAIL}
    assert result.winners == ("careful",)
    assert result.not_red is False


@pytest.mark.parametrize(
    ("verdict", "beside", "winners"),
    [
        (Verdict.HELD, Change.IMPROVED, ("careful",)),
        (Verdict.DROPPED, Change.IMPROVED, ("careful",)),
        (Verdict.INCONCLUSIVE, Change.IMPROVED, ("careful",)),
        (Verdict.HELD, None, ()),
        (Verdict.DROPPED, Change.INCONCLUSIVE, ()),
        (Verdict.PASS, Change.IMPROVED, ()),
        (Verdict.STALE, Change.IMPROVED, ()),
    ],
)
def test_beside_a_baseline_a_candidate_fixes_only_what_it_is_shown_to_be_better_in(
    verdict: Verdict, beside: Change | None, winners: tuple[str, ...]
) -> None:
    current, careful = judged(current="-" * 14, careful="+" * 14).cells
    cells = [
        dataclasses.replace(current, verdict=verdict, method=Method.BASELINE),
        dataclasses.replace(careful, beside=beside),
    ]
    found = with_cells(judged(current="-", careful="+"), cells)
    assert found.winners == winners


def test_a_variant_that_changes_what_went_before_fixes_nothing_and_is_not_recommended() -> None:
    result = judged(current="-" * 14, empty="+" * 14)
    current, empty = result.cells
    assert empty.fixes
    changed = with_cells(result, [current, dataclasses.replace(empty, changes="with step 5 = []")])
    assert changed.winners == ()
    (found,) = evaluate([changed], started_at=NOON).recommendations
    assert (found.candidates, found.variant) == ((), None)


def test_a_variant_whose_own_fork_is_stale_leaves_the_others_measured() -> None:
    found = outcome("misleading-summary", current="+" * 14)
    stale = Unmeasured(status=ForkStatus.STALE, reason="the code reached 'note' there")
    found = dataclasses.replace(found, unmeasured={"empty": stale})
    result = judge_case(case(), found, FELL, variants=("current", "empty"), trials=14)
    assert verdicts(result) == {"current": Verdict.PASS, "empty": Verdict.STALE}
    assert result.cells[1].reason == "the code reached 'note' there"


def test_a_cell_keeps_what_was_sent_for_it() -> None:
    result = judged(current="-", careful="+")
    cell = result.cell("careful")
    assert cell is not None
    assert cell.request is not None
    assert cell.request.prompt == "prompt of careful"


@pytest.mark.parametrize(
    ("current", "careful", "winners"),
    [
        pytest.param("-" * 14, "+" * 14, ("careful",), id="current-fails"),
        pytest.param("+" * 11 + "-" * 3, "+" * 14, ("careful",), id="current-is-undecided-and-lower"),
        pytest.param("+" * 14, "+" * 14, (), id="current-passes-too"),
        pytest.param("!" * 14, "+" * 14, (), id="current-was-not-measured"),
        pytest.param("-" * 14, "+" * 10 + "-" * 4, (), id="the-candidate-is-undecided"),
        pytest.param("+" * 13, "+" * 14, (), id="as-good-as-far-as-it-ran"),
    ],
)
def test_a_winner_passes_where_current_does_not(current: str, careful: str, winners: tuple[str, ...]) -> None:
    assert judged(current=current, careful=careful).winners == winners


def test_nobody_wins_where_current_was_not_asked() -> None:
    assert judged(careful="+" * 14).winners == ()


def test_a_guard_whose_recorded_answer_fails_its_expectations_is_not_green() -> None:
    failed = ScoredTrial(trial=Trial(variant="recorded", number=0), passed=False)
    passed = dataclasses.replace(failed, passed=True)
    for recorded, guard, not_green in [
        (failed, True, True),
        (passed, True, False),
        (failed, False, False),
        (None, True, False),
    ]:
        found = CaseResult(case=case(guard=guard), recorded=recorded, cells=())
        assert found.not_green is not_green


def test_a_recorded_failure_that_meets_the_expectations_is_not_red() -> None:
    expectation = [parse_scorer({"contains": "revenue"})]
    found = judge_case(case(), outcome(current="+"), expectation, variants=("current",))
    guard = judge_case(case(guard=True), outcome(current="+"), expectation, variants=("current",))
    assert (found.not_red, guard.not_red) == (True, False)
    assert found.recorded is not None
    assert found.recorded.passed is True


@pytest.mark.parametrize(
    ("status", "verdict"), [(ForkStatus.STALE, Verdict.STALE), (ForkStatus.ERROR, Verdict.ERROR)]
)
def test_a_fork_that_did_not_measure_gives_its_own_verdict_and_reason(
    status: ForkStatus, verdict: Verdict
) -> None:
    broken = Outcome(case="c", status=status, reason="recorded step 7 'run_sql', reached 'plot'")
    result = judge_case(case(), broken, FELL, variants=("current", "careful"))
    for cell in result.cells:
        assert (cell.verdict, cell.reason) == (verdict, broken.reason)
        assert cell.interval is None
    evaluation = evaluate([result], started_at=NOON)
    assert evaluation.cells == result.cells


def test_the_case_decides_its_trials_and_minimum_before_the_session_does() -> None:
    strict = case(trials=14, min_pass_rate=0.8)
    cut_short = judge_case(
        strict, outcome(current="+" * 10), FELL, variants=("current",), trials=10, min_pass_rate=0.6
    )
    (cell,) = cut_short.cells
    assert (cell.min_pass_rate, cell.missing, cell.verdict) == (0.8, 4, Verdict.INCONCLUSIVE)
    (loose,) = judge_case(
        case(), outcome(current="+" * 10), FELL, variants=("current",), trials=10, min_pass_rate=0.6
    ).cells
    assert (loose.min_pass_rate, loose.missing, loose.verdict) == (0.6, 0, Verdict.PASS)


def suite(*texts: dict[str, str]) -> list[CaseResult]:
    return [judged(f"case-{number}", **each) for number, each in enumerate(texts)]


def verdicts_of(results: list[CaseResult], variant: str) -> list[Verdict]:
    evaluation = evaluate(results, started_at=NOON)
    return [cell.verdict for cell in evaluation.cells if cell.variant == variant]


HALF, ALL, NONE = "+-" * 5, "+" * 14, "-" * 10


def test_a_weak_failure_is_withdrawn_in_a_suite() -> None:
    assert verdicts_of(suite({"current": HALF}), "current") == [Verdict.FAIL]
    many = suite({"current": HALF}, *[{"current": ALL}] * 19)
    assert verdicts_of(many, "current") == [Verdict.INCONCLUSIVE, *[Verdict.PASS] * 19]


def test_by_holm_a_weak_failure_stands_where_the_others_are_worse() -> None:
    two = suite({"current": "+" * 4 + "-" * 6}, {"current": NONE})
    assert verdicts_of(two, "current") == [Verdict.FAIL, Verdict.FAIL]


def test_candidates_do_not_weigh_on_current_nor_current_on_candidates() -> None:
    results = suite({"current": HALF, **{f"candidate_{n}": HALF for n in range(9)}})
    assert verdicts_of(results, "current") == [Verdict.FAIL]
    assert verdicts_of(results, "candidate_0") == [Verdict.INCONCLUSIVE]


def test_a_case_that_was_not_measured_stays_in_the_count() -> None:
    broken = Outcome(case="x", status=ForkStatus.ERROR, reason="hung")
    stale = [judge_case(case(f"s-{n}"), broken, FELL, variants=("current",)) for n in range(19)]
    assert verdicts_of([*suite({"current": HALF}), *stale], "current")[0] is Verdict.INCONCLUSIVE


def test_winners_follow_the_corrected_verdicts() -> None:
    results = suite({"current": HALF, "careful": ALL}, *[{"current": ALL}] * 19)
    first = evaluate(results, started_at=NOON).cases[0]
    assert verdicts(first) == {"current": Verdict.INCONCLUSIVE, "careful": Verdict.PASS}
    assert first.winners == ("careful",)


@pytest.mark.parametrize(
    ("current", "beside", "winners"),
    [
        pytest.param("+" * 5 + "-" * 9, Change.IMPROVED, ("careful",), id="clearly-better"),
        pytest.param("+" * 11 + "-" * 3, Change.INCONCLUSIVE, (), id="two-verdicts-that-chance-explains"),
        pytest.param("+" * 5 + "!" * 9, Change.INCONCLUSIVE, (), id="unless-the-unmeasured-passed"),
    ],
)
def test_a_winner_with_a_fixed_number_of_trials_is_better_by_a_test(
    current: str, beside: Change, winners: tuple[str, ...]
) -> None:
    (result,) = evaluate(suite({"current": current, "careful": ALL}), started_at=NOON).cases
    cell = result.cell("careful")
    assert cell is not None
    assert (cell.verdict, cell.beside, result.winners) == (Verdict.PASS, beside, winners)


def test_deciding_twice_changes_nothing() -> None:
    once = evaluate(suite({"current": HALF, "careful": ALL}, {"current": "+!" * 7}), started_at=NOON)
    assert evaluate(once.cases, started_at=NOON) == once


def test_an_evaluation_keeps_the_order_and_what_it_was_told() -> None:
    results = suite({"current": ALL}, {"current": NONE})
    found = evaluate(
        results, started_at=NOON, seconds=3.0, alpha=0.1, refork_version="0.1.0", settings={"trials": "14"}
    )
    assert [result.case.name for result in found.cases] == ["case-0", "case-1"]
    assert (found.started_at, found.seconds, found.alpha) == (NOON, 3.0, 0.1)
    assert (found.refork_version, found.settings) == ("0.1.0", {"trials": "14"})
    whole = whole_reruns(found.cells)
    assert whole is not None
    assert whole.trials == 24


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        pytest.param({}, {}, None, id="the-defaults"),
        pytest.param(
            {"min_pass_rate": 0.8},
            {},
            "'misleading-summary' has 10 trials and can never pass at min_pass_rate 0.8: 14 are needed; "
            "raise trials, or change min_pass_rate",
            id="ten-for-a-high-minimum",
        ),
        pytest.param({"trials": 14}, {}, None, id="enough"),
        pytest.param({"min_pass_rate": 0.6}, {}, None, id="enough-for-a-lower-minimum"),
        pytest.param({"trials": 1, "min_pass_rate": 1.0}, {}, None, id="one-suffices-for-a-minimum-of-one"),
        pytest.param(
            {"trials": 1}, {}, "has 1 trials and can never pass or fail", id="one-trial-decides-nothing"
        ),
        pytest.param({"trials": 8, "min_pass_rate": 0.2}, {}, "can never fail", id="a-low-minimum"),
        pytest.param({"trials": 14}, {"cases": 1000}, None, id="passing-is-not-corrected"),
        pytest.param(
            {"trials": 6, "min_pass_rate": 0.6},
            {"cases": 100},
            "can never fail at min_pass_rate 0.6: 9",
            id="a-suite",
        ),
        pytest.param({}, {"trials": 20}, None, id="enough-by-the-session"),
    ],
)
def test_too_few_trials_are_said_before_they_are_paid_for(
    fields: dict[str, Any], options: dict[str, Any], message: str | None
) -> None:
    found = too_few_trials(case(**fields), **options)
    assert (found is None) is (message is None)
    assert (message or "") in (found or "")

"""A judge's agreement with a person: numbers from the literature, and sessions with known answers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from refork_evals.agreement.calibration import calibrations
from refork_evals.agreement.kappa import LabelledOutput, agreement, cohens_kappa
from refork_evals.agreement.labels import Label
from refork_evals.agreement.rubrics import rubrics
from refork_evals.digests import output_digest
from refork_evals.results import CaseResult, Cell, Judged, Score, ScoredTrial, Verdict
from refork_evals.results.agreement import Agreement
from refork_evals.trials import score_trials
from support.evals_builders import answer, case, outcome


def of(both_pass: int, false_fails: int, false_passes: int, both_fail: int) -> Agreement:
    kinds = ((True, True), (True, False), (False, True), (False, False))
    counts = (both_pass, false_fails, false_passes, both_fail)
    return agreement(
        LabelledOutput(person=person, judge=judge)
        for (person, judge), count in zip(kinds, counts, strict=True)
        for _ in range(count)
    )


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        pytest.param((20, 5, 10, 15), 0.4, id="wikipedia-first"),
        pytest.param((45, 15, 25, 15), 0.1304, id="wikipedia-second"),
        pytest.param((25, 35, 5, 35), 0.2593, id="wikipedia-third"),
        pytest.param((0, 10, 10, 0), -1.0, id="always-the-opposite"),
    ],
)
def test_kappa_is_the_one_of_worked_examples(table: tuple[int, int, int, int], kappa: float) -> None:
    assert cohens_kappa(*table).value == pytest.approx(kappa, abs=0.0001)


def test_its_interval_is_near_that_of_the_large_sample_formula_where_samples_are_large() -> None:
    # Fleiss, Cohen and Everitt's formula gives 0.4 ± 1.96 * 0.0402 for ten times the first example.
    found = cohens_kappa(200, 50, 100, 150)
    assert found.low == pytest.approx(0.32, abs=0.01)
    assert found.high == pytest.approx(0.48, abs=0.01)


def test_an_agreement_without_exception_leaves_open_how_often_the_judge_errs() -> None:
    few, many = cohens_kappa(5, 0, 0, 5), cohens_kappa(50, 0, 0, 50)
    assert (few.value, few.high, many.value, many.high) == (1.0, 1.0, 1.0, 1.0)
    assert few.low is not None
    assert many.low is not None
    assert few.low == pytest.approx(0.34, abs=0.01)
    assert many.low == pytest.approx(0.92, abs=0.01)


@pytest.mark.parametrize("labels", [10, 20, 100])
@pytest.mark.parametrize(
    "table",
    [
        pytest.param((0.4, 0.1, 0.1, 0.4), id="half-of-the-outputs-bad"),
        pytest.param((0.833, 0.017, 0.075, 0.075), id="few-bad-outputs-half-of-them-passed"),
        pytest.param((0.693, 0.007, 0.003, 0.297), id="a-judge-that-hardly-errs"),
    ],
)
def test_its_interval_holds_the_true_kappa_as_often_as_it_says(
    table: tuple[float, float, float, float], labels: int
) -> None:
    both_pass, false_fails, false_passes, both_fail = table
    person, judge = both_pass + false_fails, both_pass + false_passes
    chance = person * judge + (1 - person) * (1 - judge)
    true = (both_pass + both_fail - chance) / (1 - chance)
    drawn = np.random.default_rng(3).multinomial(labels, table, size=2_000).tolist()
    known = [(each.low, each.high) for each in (cohens_kappa(*row) for row in drawn) if each.high is not None]
    held = [low - 1e-9 <= true <= high + 1e-9 for low, high in known if low is not None]
    assert sum(held) / len(held) >= 0.94


@pytest.mark.parametrize(
    ("table", "value", "note"),
    [
        ((0, 0, 0, 0), None, "no output is labelled and judged"),
        ((9, 1, 0, 0), None, "every label says pass: kappa needs outputs of both kinds"),
        ((0, 0, 2, 9), None, "every label says fail: kappa needs outputs of both kinds"),
        ((5, 0, 5, 0), 0.0, "the judge passes every output, whatever it says"),
        ((0, 5, 0, 5), 0.0, "the judge fails every output, whatever it says"),
    ],
)
def test_where_there_is_no_interval_it_says_why(table: Any, value: float | None, note: str) -> None:
    kappa = cohens_kappa(*table)
    assert (kappa.value, kappa.low, kappa.high, kappa.note) == (value, None, None, note)


@pytest.mark.parametrize(
    "table", [(1, 1, 0, 1), (1, 0, 1, 1), (1, 1, 1, 0), (0, 1, 1, 1), (0, 1, 1, 0), (30, 1, 0, 1)]
)
def test_small_tables_have_an_interval_around_kappa(table: Any) -> None:
    kappa = cohens_kappa(*table)
    assert kappa.value is not None
    assert kappa.low is not None
    assert kappa.high is not None
    assert -1 <= kappa.low <= kappa.value <= kappa.high <= 1


def test_false_passes_are_counted_among_what_the_person_fails() -> None:
    found = of(30, 3, 2, 8)
    assert (found.outputs, found.agreed, found.too_few) == (43, 38, False)
    assert found.false_pass_rate == 0.2
    assert found.false_fail_rate == pytest.approx(3 / 33)
    assert found.false_pass_interval is not None
    assert found.false_pass_interval.low == pytest.approx(0.0567, abs=0.0001)
    assert found.false_pass_interval.high == pytest.approx(0.5098, abs=0.0001)


def test_without_a_bad_output_nothing_is_known_of_false_passes() -> None:
    found = of(5, 1, 0, 0)
    assert (found.false_pass_rate, found.false_pass_interval) == (None, None)
    assert found.too_few


RUBRIC = {"judge": "Says that revenue fell."}


def score(passed: bool | None, model: str = "judge-1") -> Score:
    return Score(scorer="judge", passed=passed, judged=Judged(asked="judge", answered=(model,)))


def session(**said: list[tuple[str, Score]]) -> CaseResult:
    """A case of one judge: for each variant the texts that it gave and their scores."""
    cells = tuple(
        Cell(
            case="x",
            variant=variant,
            verdict=Verdict.PASS,
            min_pass_rate=0.8,
            trials=tuple(
                ScoredTrial(trial=replace(trial, answer=answer(text)), scores=(each,), passed=each.passed)
                for trial, (text, each) in zip(outcome(x="+" * len(trials)).trials, trials, strict=True)
            ),
        )
        for variant, trials in said.items()
    )
    return CaseResult(case=case(expect=(RUBRIC,)), recorded=None, cells=cells)


def labelled(rubric: dict[str, Any] = RUBRIC, **texts: bool) -> dict[tuple[str, str], Label]:
    (known,) = rubrics(case(expect=(rubric,)))
    made = [
        Label(rubric=known.digest, output=output_digest(answer(text)), passes=passes)
        for text, passes in texts.items()
    ]
    return {label.key: label for label in made}


def test_labels_meet_the_judged_trials_of_all_variants_by_what_they_say() -> None:
    result = session(
        current=[("fell", score(True)), ("rose", score(True)), ("fell", score(True)), ("new", score(False))],
        careful=[("down", score(False)), ("fell", score(False)), ("odd", score(None))],
    )
    labels = labelled(fell=True, rose=False, down=True, odd=True, gone=False)
    (found,) = calibrations(result, labels)
    assert (found.labels, found.agreement.outputs, found.contradicted) == (5, 3, 1)
    assert (found.agreement.both_pass, found.agreement.false_passes, found.agreement.false_fails) == (1, 1, 1)


def test_labels_of_another_rubric_do_not_count() -> None:
    labels = labelled({"judge": "Names the region."}, fell=True)
    (found,) = calibrations(session(current=[("fell", score(True))]), labels)
    assert (found.labels, found.agreement.outputs) == (0, 0)


def test_the_models_that_were_asked_and_that_answered_are_counted() -> None:
    result = session(current=[("fell", score(True)), ("rose", score(False, "judge-2"))])
    (found,) = calibrations(result, {})
    assert (found.asked, found.answered) == ({"judge": 2}, {"judge-1": 1, "judge-2": 1})


def test_scores_of_a_test_function_are_not_the_judges() -> None:
    result = session(current=[("fell", Score(scorer="test", passed=True))])
    (found,) = calibrations(result, labelled(fell=True))
    assert found.agreement.outputs == 0


def test_a_case_without_a_judge_has_nothing_to_calibrate() -> None:
    assert calibrations(replace(session(), case=case(expect=({"contains": "x"},))), {}) == ()


def test_the_judges_score_is_found_at_the_place_of_its_expectation() -> None:
    expect = ({"contains": "fell"}, RUBRIC)
    made = case(expect=expect)
    (trial,) = score_trials(made, outcome(current="+"), [])
    scores = (Score(scorer="contains", passed=False), score(True))
    both = replace(trial, trial=replace(trial.trial, answer=answer("fell")), scores=scores, passed=False)
    result = session(current=[("fell", score(True))])
    result = replace(result, case=made, cells=(replace(result.cells[0], trials=(both,)),))
    (found,) = calibrations(result, labelled(fell=True))
    assert found.agreement.both_pass == 1

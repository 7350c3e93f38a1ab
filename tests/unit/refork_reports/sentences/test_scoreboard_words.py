"""A row of the scoreboard says in words what its prompt does."""

import pytest
from refork_evals.results import Verdict
from refork_evals.results.recommendation import CandidateEffect
from refork_evals.results.scoreboard import ScoreboardRow, Standing, TrialCounts
from refork_reports.sentences import scoreboard as words


def _row(standing: Standing | None = Standing.TAKE, **effect: object) -> ScoreboardRow:
    given = {"variant": "careful", "failures": 2} | effect
    return ScoreboardRow(
        variant="careful",
        cases=3,
        good=1,
        bad=2,
        trials=TrialCounts(passes=9, failures=1),
        current=TrialCounts(failures=10),
        standing=standing,
        effect=CandidateEffect(**given),  # type: ignore[arg-type]
    )


def test_current_says_how_many_cases_fail_or_pass() -> None:
    current = ScoreboardRow(
        variant="current",
        cases=3,
        good=1,
        bad=2,
        trials=TrialCounts(),
        current=TrialCounts(),
        verdict=Verdict.FAIL,
    )
    assert words.verdict(current) == "fails 2 of 3 cases"
    assert words.kind(current) is Verdict.FAIL
    assert (words.fixed(current), words.broken(current)) == ("–", "–")


@pytest.mark.parametrize(
    ("row", "verdict", "kind"),
    [
        (_row(), "take it", Verdict.PASS),
        (_row(Standing.HARMS, broken=("a", "b"), guards=2), "breaks 2 guards", Verdict.FAIL),
        (_row(Standing.HARMS), "worse over all cases", Verdict.FAIL),
        (_row(Standing.UNSHOWN), "not shown to be better", Verdict.INCONCLUSIVE),
    ],
)
def test_a_candidate_says_what_it_is_good_for(row: ScoreboardRow, verdict: str, kind: Verdict) -> None:
    assert (words.verdict(row), words.kind(row)) == (verdict, kind)


@pytest.mark.parametrize(
    ("row", "fixed", "broken"),
    [
        (_row(fixes=("a",)), "1 of 2", "no guard"),
        (_row(fixes=("a",), settles=("b",)), "1 of 2 and 1 undecided", "no guard"),
        (_row(failures=0, settles=("b",)), "1 undecided", "no guard"),
        (_row(failures=0), "–", "no guard"),
        (_row(guards=2, intact=("c", "d")), "0 of 2", "0 of 2"),
        (
            _row(guards=3, intact=("c",), failing_too=("d",)),
            "0 of 2",
            "0 of 3, 1 undecided, 1 failing as before",
        ),
    ],
)
def test_fixes_and_guards_are_counted_with_what_is_undecided(
    row: ScoreboardRow, fixed: str, broken: str
) -> None:
    assert (words.fixed(row), words.broken(row)) == (fixed, broken)


def test_trials_are_compared_with_those_of_current() -> None:
    now, before = TrialCounts(passes=41, failures=4), TrialCounts(passes=12, unmeasured=33)
    assert words.beside(now, before) == "41 of 45 trials pass, was 12 of 45"
    assert words.beside(TrialCounts(passes=1), before) == "1 of 1 trial passes, was 12 of 45"
    assert words.beside(now, TrialCounts()) == ""

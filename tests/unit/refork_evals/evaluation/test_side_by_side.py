"""``current`` takes a trial whenever a candidate beside it does, and its own verdict rests on those that it needed."""

from collections.abc import Sequence

from refork.records.outcome import Trial
from refork.records.variant import CURRENT
from refork_evals.evaluation.looks import stopped_at
from refork_evals.evaluation.side_by_side import are_paired, next_round
from refork_evals.plans import CandidatePlan, FixedPlan, SequentialPlan, TrialPlan
from refork_evals.results import ScoredTrial
from refork_evals.statistics.sequential import Bounds

OWN = SequentialPlan(bounds=Bounds(5, 60), min_pass_rate=0.7, alpha=0.05, cases=2)
CANDIDATE = CandidatePlan(rate=OWN, alpha=0.001)
PLANS: dict[str, TrialPlan] = {CURRENT: OWN, "careful": CANDIDATE, "terse": CANDIDATE}


def scored(passes: int, trials: int) -> Sequence[ScoredTrial]:
    passed = [True] * passes + [False] * (trials - passes)
    return [
        ScoredTrial(trial=Trial(variant="", number=number), passed=each)
        for number, each in enumerate(passed, 1)
    ]


def test_candidates_of_a_fixed_number_and_current_alone_are_not_paired() -> None:
    fixed = FixedPlan(trials=10, min_pass_rate=0.7, alpha=0.05)
    assert are_paired(PLANS)
    assert not are_paired({CURRENT: fixed, "careful": fixed})
    assert not are_paired({CURRENT: OWN})
    assert not are_paired({"careful": CANDIDATE})


def test_current_goes_on_with_the_candidate_that_is_still_open() -> None:
    found = {CURRENT: scored(0, 10), "careful": scored(10, 10), "terse": scored(4, 10)}
    assert next_round(PLANS, found, set(PLANS)) == {CURRENT: 5, "careful": 0, "terse": 5}


def test_once_no_candidate_is_open_current_takes_what_its_own_plan_asks_for() -> None:
    found = {CURRENT: scored(0, 10), "careful": scored(10, 10), "terse": scored(10, 10)}
    assert next_round(PLANS, found, set(PLANS)) == {CURRENT: 0, "careful": 0, "terse": 0}
    doubtful = {CURRENT: scored(7, 10), "careful": scored(10, 10), "terse": scored(10, 10)}
    assert next_round(PLANS, doubtful, {CURRENT})[CURRENT] > 0


def test_a_candidate_is_compared_over_as_many_trials_of_current_as_it_has_itself() -> None:
    longer = {CURRENT: [*scored(0, 10), *scored(20, 20)], "careful": scored(10, 10), "terse": scored(20, 30)}
    assert next_round(PLANS, longer, {"careful"}) == {"careful": 0}


def test_a_plan_that_had_decided_is_not_asked_about_later_trials() -> None:
    decided = [*scored(10, 10), *scored(0, 10)]
    assert stopped_at(OWN, decided) == 10
    assert stopped_at(OWN, scored(7, 10)) == 10

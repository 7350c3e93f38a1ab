"""The arithmetic of an estimate: how often what is on record is asked again, and what the cache leaves of it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from refork.answer_cache import AnswersMode, Store, digest_of
from refork.answer_cache.answers_file import save_answers
from refork.config import load_config
from refork.records import Answer, Case, Request, Tool
from refork.records.cached_answer import CachedAnswer
from refork.records.prices import Price, use_prices
from refork.records.variant import Variant, current
from refork_evals.estimation.estimate import SuiteEstimate
from refork_evals.estimation.estimating import estimate_of
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.settings import GateSettings, Settings
from refork_evals.gate import Baseline, Leniency
from refork_evals.gate.baseline import BaselineCase
from refork_evals.results import Fingerprint
from refork_evals.scorers.expectations import parse_expectations
from support.evals_builders import NOON, case, model_step

PROMPT = "Say in one sentence how much we grew."
REQUEST = Request(agent="summarizer", model="house", prompt=PROMPT, input="12%")
CAREFUL = Variant(name="careful", template="{{ baseline }} Be careful with signs: a fall is no rise.")
PRICE = Price(input=Decimal(10), output=Decimal(20))
TAIL = (
    replace(model_step(2, tokens=(80, 20), model="house"), request=REQUEST),
    model_step(3, tokens=(40, 10), model="house"),
)


@pytest.fixture(autouse=True)
def _prices() -> Iterator[None]:
    use_prices({"house": PRICE})
    yield
    use_prices({})


def forked(folder: Path, *, name: str = "rosy", steps: Any = TAIL, **fields: Any) -> Case:
    known = case(name, agent="summarizer", **{"expect": ({"contains": "fell"},), **fields})
    return replace(known, folder=folder / "rosy", run=replace(known.run, steps=steps))


def measured(given: Case, *candidates: Variant) -> MeasuredCase:
    return MeasuredCase(
        case=given,
        variants=(current(), *candidates),
        fingerprint=Fingerprint(run="run", scorers="scorers"),
        scorers=parse_expectations(given),
    )


def estimated(
    folder: Path, *cases: MeasuredCase, mode: AnswersMode = AnswersMode.REUSE, **changes: Any
) -> SuiteEstimate:
    (folder / "pyproject.toml").write_text("[tool.refork]\napp = 'app'\nconcurrency = 4\n", encoding="utf-8")
    project = load_config(folder)
    use_prices({"house": PRICE})
    settings = Settings(project=project, **changes)
    wanted = [(each, [variant.name for variant in each.variants]) for each in cases]
    return estimate_of(wanted, CasePlans(settings), Store(mode), project)


def kept(*trials: int, request: Request = REQUEST) -> list[CachedAnswer]:
    digest = digest_of(request, own_ids=("run-1",))
    return [CachedAnswer(digest=digest, trial=trial, answered_at=NOON, answer=Answer()) for trial in trials]


def save(folder: Path, answers: list[CachedAnswer]) -> None:
    (folder / "rosy").mkdir()
    save_answers(folder / "rosy", answers)


def test_a_fixed_number_of_trials_is_known_to_the_cent(tmp_path: Path) -> None:
    found = estimated(tmp_path, measured(forked(tmp_path, trials=10)))
    assert found.total.least == found.total.most
    assert (found.trials, found.total.most.calls) == ((10, 10), 10)
    assert (found.total.most.input_tokens, found.total.most.output_tokens) == (800, 200)
    assert found.total.most.cost_usd == Decimal("0.012")
    # Each of the ten took 4 s on record, and four run at once.
    assert found.seconds == (10.0, 10.0)
    assert not found.is_rough


def test_auto_takes_its_bounds_and_candidates_as_many_as_the_first_look_at_the_least(tmp_path: Path) -> None:
    alone = estimated(tmp_path, measured(forked(tmp_path)))
    beside = estimated(tmp_path, measured(forked(tmp_path), CAREFUL))
    assert alone.trials == (5, 60)
    assert [cell.trials for cell in beside.cells] == [(10, 60), (10, 60)]


def test_a_gate_that_asks_again_may_take_twice_as_many(tmp_path: Path) -> None:
    known = measured(forked(tmp_path, trials=12))
    before = BaselineCase(passes=28, trials=30, run="run", scorers="scorers", measured_on=NOON.date())
    gate = GateSettings(baseline=Baseline(cases={"rosy": before}), source="here", lenient=Leniency())
    assert estimated(tmp_path, known, gate=gate).trials == (12, 24)


def test_a_tail_takes_every_recorded_call_from_the_fork_point_on(tmp_path: Path) -> None:
    found = estimated(tmp_path, measured(forked(tmp_path, trials=10, scope="tail")))
    assert (found.total.most.calls, found.total.most.tokens) == (20, 1500)
    assert found.seconds == (20.0, 20.0)


def test_a_longer_prompt_and_another_model_change_what_a_candidate_costs(tmp_path: Path) -> None:
    found = estimated(
        tmp_path, measured(forked(tmp_path, trials=10), CAREFUL, Variant(name="other", model="unheard-of"))
    )
    _, careful, other = found.cells
    longer = len(CAREFUL.template or "") - len("{{ baseline }}")
    assert abs((careful.total.most.input_tokens or 0) - (800 + 10 * longer / 4)) <= 10
    assert careful.is_rough
    assert (other.total.most.tokens, other.total.most.cost_usd) == (1000, None)
    assert (found.unpriced, found.total.most.cost_usd) == (("unheard-of",), None)


def test_where_no_tokens_are_on_record_characters_are_counted(tmp_path: Path) -> None:
    step = replace(TAIL[0], usage=None, request=replace(REQUEST, tools=(Tool(name="sql"),)))
    found = estimated(tmp_path, measured(forked(tmp_path, steps=(step,), trials=1)))
    assert found.is_rough
    assert 10 <= (found.total.most.tokens or 0) <= 40
    unknown = replace(step, request=None)
    found = estimated(tmp_path, measured(forked(tmp_path, steps=(unknown,), trials=1)))
    assert (found.total.most.calls, found.total.most.tokens, found.total.most.cost_usd) == (1, None, None)


def test_cached_answers_to_the_recorded_request_are_not_paid_for(tmp_path: Path) -> None:
    save(tmp_path, kept(1, 2, 3, 12))
    found = estimated(tmp_path, measured(forked(tmp_path, trials=10)))
    assert (found.total.least.calls, found.total.most.calls, found.reusable) == (7, 7, 3)
    assert (
        estimated(tmp_path, measured(forked(tmp_path, trials=10)), mode=AnswersMode.LIVE).total.least.calls
        == 10
    )
    none = estimated(tmp_path, measured(forked(tmp_path, trials=10)), mode=AnswersMode.OFFLINE)
    assert (none.is_offline, none.total.most.calls, none.trials) == (True, 0, (10, 10))


def test_cached_answers_to_other_requests_may_be_reused_and_may_not(tmp_path: Path) -> None:
    save(tmp_path, kept(1, 2, 3, request=replace(REQUEST, prompt="As the code has it today.")))
    found = estimated(tmp_path, measured(forked(tmp_path, trials=10), CAREFUL))
    assert [(cell.total.least.calls, cell.total.most.calls) for cell in found.cells] == [(7, 10), (10, 10)]


def test_the_answers_of_a_candidate_are_found_by_the_request_that_it_makes(tmp_path: Path) -> None:
    prompt = f"{PROMPT} Be careful with signs: a fall is no rise."
    save(tmp_path, kept(*range(1, 11), request=replace(REQUEST, prompt=prompt)))
    current_cell, careful = estimated(tmp_path, measured(forked(tmp_path, trials=10), CAREFUL)).cells
    assert (current_cell.total.most.calls, careful.total.most.calls) == (10, 0)


def test_tests_that_share_a_case_share_its_answers_in_their_order(tmp_path: Path) -> None:
    save(tmp_path, kept(*range(1, 16)))
    first, second = (measured(forked(tmp_path, name=name, trials=10)) for name in ("rosy", "rosy::test"))
    found = estimated(tmp_path, first, second)
    assert [cell.total.most.calls for cell in found.cells] == [0, 5]


def test_every_vote_of_a_judge_is_a_call_and_so_is_the_recorded_answer(tmp_path: Path) -> None:
    expect = (
        {"judge": {"rubric": "Names the sign.", "model": "house", "votes": 3}},
        {"any": [{"contains": "fell"}, {"judge": {"rubric": "Names a fall.", "model": "house"}}]},
    )
    found = estimated(tmp_path, measured(forked(tmp_path, trials=10, expect=expect)))
    assert (found.judges.least.calls, found.judges.most.calls) == (33, 44)
    assert (found.total.most.calls, found.is_rough) == (54, True)
    assert (found.judges.most.cost_usd or 0) > 0

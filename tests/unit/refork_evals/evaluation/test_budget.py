"""A budget counts the calls that this session made, and no others."""

from dataclasses import replace
from pathlib import Path

from refork.records.outcome import Trial
from refork.records.usage import Usage
from refork_evals.evaluation.budget import Budget
from support.evals_builders import NOON, model_step, trial

STEPS = (model_step(2, tokens=(80, 20)), model_step(3, tokens=(8, 2)))
TAIL = replace(trial(usage=Usage(calls=2, input_tokens=88, output_tokens=22)), trajectory=STEPS)


def after(folder: Path, *trials: Trial, max_tokens: int) -> str:
    budget = Budget(folder / "spent", max_tokens=max_tokens, max_cost=None)
    for each in trials:
        budget.spend(each)
    return budget.reached()


def test_calls_of_this_session_count(tmp_path: Path) -> None:
    assert after(tmp_path, trial(1), TAIL, max_tokens=220) == "220 tokens were used, of at most 220"


def test_of_a_tail_only_the_calls_count_that_were_made(tmp_path: Path) -> None:
    partly = replace(TAIL, reused_steps=frozenset({2}))
    assert after(tmp_path, partly, max_tokens=11) == ""
    assert after(tmp_path, partly, max_tokens=10) == "20 tokens were used, of at most 10"


def test_answers_of_other_sessions_and_unknown_tokens_count_as_nothing(tmp_path: Path) -> None:
    cached = replace(trial(1), reused=True, answered_at=NOON)
    resumed = replace(trial(2), resumed=True)
    assert after(tmp_path, cached, resumed, trial(3, usage=None), max_tokens=1) == ""

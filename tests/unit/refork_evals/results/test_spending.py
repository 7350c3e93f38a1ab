"""What is paid now, what was paid before, and what whole reruns would have taken are three figures."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from refork.records.outcome import Trial
from refork.records.usage import Spending, Usage
from refork_evals.results import Cell
from refork_evals.results.spending import paid, reused, whole_reruns
from refork_evals.trials import scored_by_test
from refork_evals.verdicts.cells import cell_from_scored
from support.evals_builders import NOON, broken_trial, case, model_step, trial

ONE = Decimal("0.000021")


def cell(*trials: Trial, **options: Any) -> Cell:
    scored = [scored_by_test(each, passed=True) for each in trials]
    return cell_from_scored(case=case(), variant="careful", scored=scored, min_pass_rate=0.8, **options)


def cached(number: int, days: int = 0) -> Trial:
    return replace(trial(number), reused=True, answered_at=NOON - timedelta(days=days))


def test_only_calls_of_this_session_are_paid_now() -> None:
    mixed = cell(trial(0), cached(1, 9), cached(2, 3), replace(trial(3), resumed=True), broken_trial(4))
    assert paid([mixed]) == Spending(trials=1, tokens=110, cost_usd=ONE)
    found = reused([mixed])
    assert found is not None
    assert (found.trials, found.of, found.resumed) == (2, 4, 1)
    assert (found.tokens, found.cost_usd) == (3 * 110, 3 * ONE)
    assert (found.oldest, found.newest) == (NOON - timedelta(days=9), NOON - timedelta(days=3))


def test_nothing_is_reused_where_everything_was_paid_for() -> None:
    assert reused([cell(trial(0), broken_trial(1))]) is None
    assert paid([cell(cached(0))]) == Spending()


def test_a_tail_pays_only_for_the_calls_that_it_made() -> None:
    steps = (model_step(2, tokens=(80, 20)), model_step(3, tokens=(8, 2)))
    tail = replace(
        trial(0, usage=Usage(calls=2, input_tokens=88, output_tokens=22)),
        trajectory=steps,
        reused_steps=frozenset({2}),
    )
    assert paid([cell(tail)]).tokens == 10
    found = reused([cell(tail)])
    assert found is not None
    assert (found.trials, found.tokens) == (0, 100)


@given(st.lists(st.tuples(st.sampled_from(["paid", "reused", "resumed"]), st.booleans()), max_size=8))
def test_paid_and_reused_add_up_to_all_that_answers_took(kinds: list[tuple[str, bool]]) -> None:
    steps = (model_step(2, tokens=(80, 20)), model_step(3, tokens=(8, 2)))
    trials = [
        replace(
            trial(number, usage=Usage(calls=2, input_tokens=88, output_tokens=22)),
            trajectory=steps,
            reused=kind == "reused",
            answered_at=NOON if kind == "reused" else None,
            resumed=kind == "resumed",
            reused_steps=frozenset({2}) if is_partly else frozenset(),
        )
        for number, (kind, is_partly) in enumerate(kinds)
    ]
    cells = [cell(*trials)] if trials else []
    now, before = paid(cells), reused(cells)
    tokens, cost = (0, Decimal(0)) if before is None else (before.tokens, before.cost_usd or Decimal(0))
    assert now.tokens + tokens == sum(each.usage.total_tokens for each in cells)
    assert (now.cost_usd or Decimal(0)) + cost == sum(
        (each.cost_usd or Decimal(0) for each in cells), Decimal(0)
    )


def test_one_unknown_price_makes_the_cost_unknown_and_no_other_figure() -> None:
    found = paid([cell(trial(0), trial(1, model="house-model"))])
    assert (found.trials, found.tokens, found.cost_usd) == (2, 220, None)


def test_whole_reruns_count_reused_answers_too() -> None:
    whole = whole_reruns([cell(trial(0), cached(1)), cell(trial(2))])
    assert whole is not None
    assert (whole.trials, whole.tokens, whole.seconds) == (3, 3300, 60.0)
    assert whole_reruns([cell(broken_trial(0))]) is None

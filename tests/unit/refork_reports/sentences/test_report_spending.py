"""Three sentences about money and time, which claim nothing of one another."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from refork.records.prices import Price, use_prices
from refork.records.usage import Spending, WholeReruns
from refork_evals.results.spending import Reused
from refork_evals.results.totals import Totals, totals
from refork_reports.sentences import spending
from support.report_evaluations import MODEL, evaluation, misleading_summary, stale

THIRD, NINTH = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_prices_are_left() -> Iterator[None]:
    yield
    use_prices({})


def summed(**changes: Any) -> Totals:
    nothing = replace(totals(evaluation()), seconds=70.0)
    return replace(nothing, **changes)


def old(**changes: Any) -> Reused:
    known = Reused(trials=10, of=40, oldest=THIRD, newest=NINTH, tokens=4_100, cost_usd=Decimal("0.0014"))
    return replace(known, **changes)


def test_what_was_paid_what_was_reused_and_whole_reruns_are_a_sentence_each() -> None:
    found = summed(
        paid=Spending(trials=30, tokens=12_300, cost_usd=Decimal("0.0042")),
        reused=old(),
        whole_reruns=WholeReruns(trials=40, tokens=1_200_000, cost_usd=Decimal("3.4"), seconds=2460),
    )
    assert spending.lines(found) == (
        "paid now: 30 answers, 12.3k tokens, $0.0042",
        "reused: 10 of 40 answers, of 2026-03-03 to 2026-03-09; when paid for, 4.1k tokens, $0.0014",
        "40 whole reruns would have taken: 1.2M tokens, $3.40, one after another 41 min; this session took 1 m 10 s",
    )


def test_a_session_that_took_more_than_whole_reruns_claims_no_saving() -> None:
    found = summed(
        paid=Spending(trials=1, tokens=9_000, cost_usd=Decimal(1)),
        whole_reruns=WholeReruns(trials=1, tokens=900, cost_usd=Decimal("0.1"), seconds=2),
    )
    said = " ".join(spending.lines(found))
    assert "1 whole rerun would have taken: 900 tokens, $0.10, 2.0 s; this session took 1 m 10 s" in said
    assert "saved" not in said
    assert "−" not in said


def test_an_unknown_cost_is_a_dash_with_its_reason() -> None:
    found = summed(paid=Spending(trials=1, tokens=500, cost_usd=None), unpriced_models=("qwen",))
    assert spending.lines(found) == (
        "paid now: 1 answer, 500 tokens, cost – (no price known for model 'qwen')",
    )


def test_where_all_was_reused_nothing_was_paid_now() -> None:
    found = spending.lines(summed(paid=Spending(), reused=old(trials=40, newest=THIRD, resumed=2)))
    assert found[0] == "paid now: nothing, no model was called"
    assert found[1].startswith(
        "reused: 40 of 40 answers, of 2026-03-03 and 2 resumed from a stopped session; "
    )


def test_calls_that_only_tails_reused_are_said_as_such() -> None:
    found = old(trials=0, oldest=None, newest=None)
    assert spending.reused(summed(reused=found)) == "calls within tails; when paid for, 4.1k tokens, $0.0014"


def test_nothing_is_said_where_nothing_ran() -> None:
    assert spending.lines(totals(evaluation(stale()))) == ()


@pytest.mark.parametrize(
    ("example", "said"), [(False, " by your price list"), (True, " at an example price")]
)
def test_a_price_of_the_project_is_said_to_be_one(example: bool, said: str) -> None:
    use_prices({MODEL: Price(input=Decimal(1), output=Decimal(2), example=example)})
    assert all(said in line for line in spending.lines(totals(evaluation(misleading_summary()))))

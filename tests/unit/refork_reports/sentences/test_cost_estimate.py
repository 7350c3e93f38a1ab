"""An estimate in words: a range where it is one, and never a zero for what is unknown."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from refork.records.prices import Price, use_prices
from refork_evals.estimation.estimate import CellEstimate, SuiteEstimate, Work, WorkRange
from refork_reports.sentences.cost_estimate import by_case, headline

ONE = Work(calls=1, input_tokens=1000, output_tokens=300, cost_usd=Decimal("0.002"), seconds=2.0)


@pytest.fixture(autouse=True)
def _no_prices_are_left() -> Iterator[None]:
    yield
    use_prices({})


def cell(case: str = "rosy", least: int = 10, most: int = 10, one: Work = ONE, **fields: Any) -> CellEstimate:
    answers = WorkRange(least=one.times(least), most=one.times(most))
    known: dict[str, Any] = {
        "variant": "current",
        "trials": (least, most),
        "trial_seconds": one.seconds,
        **fields,
    }
    return CellEstimate(case=case, answers=answers, **known)


def suite(*cells: CellEstimate, **fields: Any) -> SuiteEstimate:
    return SuiteEstimate(cells=cells, concurrency=4, **fields)


def test_what_is_exact_is_one_figure_and_what_is_not_is_a_range() -> None:
    assert headline(suite(cell())) == "10 calls, 13.0k tokens, $0.020, about 5.0 s"
    assert (
        headline(suite(cell(most=60)))
        == "10 to 60 calls, 13.0k to 78.0k tokens, $0.020 to $0.12, about 5.0 s to 30 s"
    )


def test_judges_cached_answers_and_rough_tokens_are_told() -> None:
    judges = WorkRange(least=ONE.times(2), most=ONE.times(3))
    assert headline(suite(cell(judges=judges, reusable=20, is_rough=True))).split("; ")[1:] == [
        "up to 3 of the calls are of judges",
        "20 answers are cached, and free where the request is unchanged",
        "tokens are rough, by characters",
    ]


@pytest.mark.parametrize(
    ("one", "fields", "said"),
    [
        (
            Work(calls=1, input_tokens=9, output_tokens=1, cost_usd=None, seconds=2.0),
            {"unpriced": frozenset({"mine"})},
            "1 call, 10 tokens, cost – (no price known for model 'mine'), about 2.0 s",
        ),
        (
            Work(calls=1, input_tokens=None, output_tokens=None, cost_usd=None, seconds=None),
            {},
            "1 call, tokens –, cost – (the record tells no tokens), time –",
        ),
        (
            Work(calls=1, input_tokens=9, output_tokens=1, cost_usd=None, seconds=2.0),
            {},
            "1 call, 10 tokens, cost – (no model is on record), about 2.0 s",
        ),
    ],
)
def test_what_is_unknown_is_a_dash_with_its_reason(one: Work, fields: dict[str, Any], said: str) -> None:
    assert headline(suite(cell(least=1, most=1, one=one, **fields))) == said


def test_an_example_price_is_called_one() -> None:
    use_prices({"mine": Price(input=Decimal(1), output=Decimal(1), example=True)})
    assert "$0.020 at an example price," in headline(suite(cell(models=frozenset({"mine"}))))


def test_where_no_call_is_needed_it_says_why() -> None:
    cached = cell(least=0, most=0, reusable=10)
    assert headline(suite(cached)) == "no call is needed, all answers are cached"
    assert headline(suite(cached, is_offline=True)) == "no model is called, since answers are offline"
    assert headline(suite()) == "no model is called"


def test_each_case_has_a_line_and_all_have_one() -> None:
    found = suite(cell("rosy"), cell("rosy", variant="careful"), cell("sour", least=5))
    assert by_case(found) == [
        "rosy (current, careful; 20 trials): 20 calls, 26.0k tokens, $0.040, about 10 s",
        "sour (current; 5 to 10 trials): 5 to 10 calls, 6.5k to 13.0k tokens, $0.010 to $0.020, about 2.5 s to 5.0 s",
        "in total: 25 to 30 calls, 32.5k to 39.0k tokens, $0.050 to $0.060, about 12 s to 15 s",
    ]

"""A price that the project gives a model is used wherever something costs money."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from refork.records.prices import Price, use_prices
from refork.records.usage import Usage, cost

USAGE = Usage(calls=1, input_tokens=1_000_000, cached_tokens=400_000, output_tokens=500_000)
PRICE = Price(input=Decimal("0.15"), output=Decimal("0.6"))


@pytest.fixture(autouse=True)
def _no_prices_are_left() -> Iterator[None]:
    yield
    use_prices({})


def test_a_model_that_no_list_knows_costs_what_the_project_says() -> None:
    assert cost(USAGE, "house-model") is None
    use_prices({"house-model": PRICE})
    assert cost(USAGE, "house-model") == Decimal("0.45")


def test_cached_input_has_a_price_of_its_own_where_one_is_given() -> None:
    cheaper = Price(input=Decimal("0.15"), output=Decimal("0.6"), cached_input=Decimal("0.05"))
    use_prices({"openai/house-model": cheaper})
    assert cost(USAGE, "openai/house-model") == Decimal("0.41")
    assert cost(USAGE, "house-model") is None


def test_the_projects_price_takes_precedence_over_public_lists() -> None:
    listed = cost(USAGE, "gpt-4o-mini")
    use_prices({"gpt-4o-mini": Price(input=Decimal(1), output=Decimal(2))})
    assert cost(USAGE, "gpt-4o-mini") == Decimal(2) != listed
    use_prices({})
    assert cost(USAGE, "gpt-4o-mini") == listed


def test_nothing_is_priced_without_a_model() -> None:
    assert cost(USAGE, None) is None

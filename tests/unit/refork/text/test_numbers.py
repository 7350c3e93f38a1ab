"""Numbers are shown as people read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork.text import numbers as humanize
from rich.cells import cell_len


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (12_345, "12.3k"),
        (99_999, "100k"),
        (999_949, "1.0M"),
        (1_200_000, "1.2M"),
        (3_400_000_000, "3.4B"),
        (-1_500, "−1.5k"),
        (None, "–"),
    ],
)
def test_tokens_keep_three_digits_at_most(count: int | None, shown: str) -> None:
    assert humanize.tokens(count) == shown


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        ("0", "$0"),
        ("0.004199", "$0.0042"),
        ("0.0000123", "$0.000012"),
        ("0.000001", "<$0.00001"),
        ("0.04", "$0.040"),
        ("0.42", "$0.42"),
        ("0.999", "$1.00"),
        ("3.4", "$3.40"),
        ("1234.5", "$1,234.50"),
        ("-3.4", "−$3.40"),
    ],
)
def test_money_keeps_two_digits_below_a_dollar_and_cents_above(usd: str, shown: str) -> None:
    assert humanize.money(Decimal(usd)) == shown


def test_an_unknown_price_is_a_dash_and_never_a_zero() -> None:
    assert humanize.money(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 ms"),
        (0.42, "420 ms"),
        (0.9999, "1.0 s"),
        (4.24, "4.2 s"),
        (42.4, "42 s"),
        (59.6, "1 m"),
        (80, "1 m 20 s"),
        (2460, "41 min"),
        (3599, "1 h"),
        (11_100, "3 h 5 min"),
        (-80, "−1 m 20 s"),
        (None, "–"),
    ],
)
def test_durations_name_the_units_that_matter(seconds: float | None, shown: str) -> None:
    assert humanize.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2 / 3, "0.6667"),
        (-12.0, "−12"),
        (12.345, "12.35"),
        (0.45, "0.45"),
        (12_345.6, "12,346"),
        (100.0, "100"),
        (0.0, "0"),
        (0.0000154, "1.54e-05"),
        (1.5e12, "1.5e+12"),
        (float("inf"), "inf"),
        (-float("inf"), "−inf"),
        (None, "–"),
    ],
)
def test_measured_numbers_keep_four_digits(value: float | None, shown: str) -> None:
    assert humanize.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.678, "0.68"), (-0.051, "−0.05"), (-0.001, "0.00"), (1.0, "1.00")]
)
def test_shares_keep_two_decimals(value: float, shown: str) -> None:
    assert humanize.share(value) == shown


def test_only_none_and_all_are_shown_as_0_and_100_percent() -> None:
    assert [humanize.percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == [
        "0%",
        "1%",
        "50%",
        "99%",
        "100%",
    ]
    assert humanize.interval(0.7225, 1.0) == "72–100%"


def test_a_long_name_loses_its_middle() -> None:
    assert humanize.shorten_middle("misleading-summary", 11) == "misle…mmary"
    assert humanize.shorten_middle("short", 11) == "short"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Mn", "Me", "Cf"])), st.integers(1, 40))
def test_a_shortened_name_is_never_wider_than_its_column(text: str, width: int) -> None:
    assert cell_len(humanize.shorten_middle(text, width)) <= width

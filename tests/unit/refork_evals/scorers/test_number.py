"""Which numbers are found in a text, and which are near enough."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refork_evals.scorers.builtin.number import numbers_in
from support.evals_builders import answer, score


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param("fell by 12%", (12.0,), id="percent"),
        pytest.param("$1,234.5", (1234.5,), id="dollars-and-thousands"),
        pytest.param("€1,234,567", (1234567.0,), id="euros-and-millions"),
        pytest.param("1\u202f234\u00a0567", (1234567.0,), id="narrow-and-no-break-spaces"),
        pytest.param("-12", (-12.0,), id="hyphen"),
        pytest.param("\u221212", (-12.0,), id="minus-sign"),
        pytest.param("of \u201312%", (-12.0,), id="en-dash"),
        pytest.param("-$5 and $-5", (-5.0, -5.0), id="sign-on-either-side-of-the-currency"),
        pytest.param("(-12)", (-12.0,), id="sign-in-brackets"),
        pytest.param("10-12", (10.0, 12.0), id="range"),
        pytest.param("10\u201312%", (10.0, 12.0), id="range-with-a-dash"),
        pytest.param("5%-7%", (5.0, 7.0), id="range-of-percentages"),
        pytest.param("2024-01-05", (2024.0, 1.0, 5.0), id="date"),
        pytest.param("1.2e3 and 5E-2", (1200.0, 0.05), id="exponents"),
        pytest.param("1.2e\u22123", (0.0012,), id="exponent-with-a-minus-sign"),
        pytest.param(".5", (0.5,), id="no-leading-zero"),
        pytest.param("It is 12.", (12.0,), id="end-of-a-sentence"),
        pytest.param("12, 13", (12.0, 13.0), id="a-list"),
        pytest.param("1,23", (1.0, 23.0), id="no-group-of-three"),
        pytest.param("1,2345", (1.0, 2345.0), id="a-group-of-four"),
        pytest.param("Q3, v2 and step7", (), id="part-of-a-name"),
        pytest.param("1e999", (), id="too-large-for-a-float"),
        pytest.param("", (), id="empty"),
        pytest.param("3rd", (3.0,), id="an-ordinal"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, numbers: tuple[float, ...]) -> None:
    assert numbers_in(text) == numbers


finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
WORDS = st.text(alphabet="abc xyz()!?\n", max_size=8).map(lambda text: text + " ")


@given(
    number=finite, before=WORDS, style=st.sampled_from(["{:.6f}", "{:,.6f}", "{:e}", "{:.0f}", "{:,.0f}%"])
)
def test_a_number_in_any_style_is_found_in_any_text(number: float, before: str, style: str) -> None:
    written = style.format(number)
    expected = float(written.replace(",", "").removesuffix("%"))
    assert numbers_in(f"{before}{written} after") == (expected,)
    assert numbers_in(f"{before}{written}".replace("-", "\u2212")) == (expected,)


@given(number=st.integers(min_value=0, max_value=10**12), minus=st.sampled_from("-\u2212\u2013"))
def test_a_sign_counts_on_either_side_of_a_currency(number: int, minus: str) -> None:
    assert numbers_in(f"{minus}${number:,}") == numbers_in(f"${minus}{number:,}") == (-number or 0.0,)


@given(st.text())
def test_any_text_gives_only_finite_numbers(text: str) -> None:
    assert all(map(math.isfinite, numbers_in(text)))


@pytest.mark.parametrize(
    ("params", "text", "passes"),
    [
        pytest.param(12, "fell by 12%", True, id="exact"),
        pytest.param(-12, "fell by 12%", False, id="the-sign-counts"),
        pytest.param({"value": -12, "ignore_sign": True}, "fell by 12%", True, id="the-sign-ignored"),
        pytest.param({"value": 12, "tolerance": 0.5}, "11.5", True, id="at-the-tolerance"),
        pytest.param({"value": 12, "tolerance": 0.5}, "11.49", False, id="beyond-the-tolerance"),
        pytest.param({"value": 0.2, "tolerance": 0.1}, "0.3", True, id="binary-fractions"),
        pytest.param(
            {"value": 1000, "relative_tolerance": 0.01}, "$1,010", True, id="at-the-relative-tolerance"
        ),
        pytest.param(
            {"value": 1000, "relative_tolerance": 0.01}, "1011", False, id="beyond-the-relative-one"
        ),
        pytest.param({"value": -100, "relative_tolerance": 0.1}, "-95", True, id="relative-to-the-size"),
        pytest.param({"value": 0}, "0.0001", False, id="zero-has-no-slack"),
        pytest.param(12, "from 10 to 12", True, id="any-number-by-default"),
        pytest.param({"value": 12, "occurrence": "all"}, "from 10 to 12", False, id="all-numbers"),
        pytest.param({"value": 12, "occurrence": "all"}, "12, or 12.0", True, id="all-numbers-equal"),
        pytest.param({"value": 12, "occurrence": "all"}, "none", False, id="all-of-no-numbers"),
        pytest.param(12, "none", False, id="no-number"),
    ],
)
def test_a_number_within_the_tolerance_passes(params: Any, text: str, passes: bool) -> None:
    assert score({"number": params}, text).passed is passes


def test_a_failure_names_the_nearest_number_and_what_was_wanted() -> None:
    found = score({"number": {"value": 12, "tolerance": 0.5}}, "from 5 to 13%")
    assert found.reason == "nearest number 13 is not within 0.5 of 12: 'from 5 to 13%'"
    assert found.value == 13


def test_a_failure_of_all_names_the_farthest_number() -> None:
    found = score({"number": {"value": 12, "occurrence": "all"}}, "12 and 99")
    assert found.reason == "farthest number 99 is not 12: '12 and 99'"


def test_a_number_that_an_argument_holds_is_compared_as_it_is() -> None:
    called = answer("", ("set_price", {"price": -3.5}))
    place = {"tool": "set_price", "argument": "price"}
    assert score({"number": {"value": -3.5, "from": place}}, called).passed is True


def test_true_is_no_number() -> None:
    called = answer("", ("set_price", {"price": True}))
    assert (
        score({"number": {"value": 1, "from": {"tool": "set_price", "argument": "price"}}}, called).passed
        is False
    )

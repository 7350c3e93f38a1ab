"""The user's own scorers: how they are registered, called, and what they may return."""

import subprocess
import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest
from pydantic import ValidationError
from refork.errors import BadInputError
from refork_evals import Sample, Score, scorer
from refork_evals.scorers.builtin import BUILT_IN
from refork_evals.scorers.protocol import Scorer
from refork_evals.scorers.registry import forget_scorers, known_scorers, parse_scorer
from support.evals_builders import score


@pytest.fixture(autouse=True)
def own_scorers_only() -> Generator[None]:
    yield
    forget_scorers()


@pytest.mark.parametrize(
    ("returned", "params", "passed", "reason"),
    [
        pytest.param(True, {}, True, "returned True", id="bool"),
        pytest.param((False, "no source\ncited"), {}, False, r"no source\ncited", id="bool-and-reason"),
        pytest.param(0.7, {"min": 0.5}, True, "0.7, wanted at least 0.5", id="number-above-min"),
        pytest.param(3, {"max": 2}, False, "3, wanted at most 2", id="integer-above-max"),
        pytest.param(
            3, {"min": 1, "max": 3}, True, "3, wanted at least 1 and at most 3", id="number-between"
        ),
        pytest.param(
            (0.2, "far off"), {"min": 0.5}, False, "0.2, wanted at least 0.5: far off", id="number-and-reason"
        ),
        pytest.param(float("nan"), {"min": 0.5}, False, "nan, wanted at least 0.5", id="nan-is-never-enough"),
        pytest.param(
            Score(scorer="x", passed=True, reason="fine", value=2.0), {}, True, "fine", id="a-score"
        ),
    ],
)
def test_what_a_scorer_returns_becomes_its_score(
    returned: Any, params: Any, passed: bool, reason: str
) -> None:
    @scorer("mine")
    def mine(sample: Sample) -> Any:
        return returned

    found = score({"mine": params}, "x")
    assert (found.scorer, found.passed, found.reason) == ("mine", passed, reason)


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        pytest.param(
            0.7, "returned the number 0.7: bound it with min: or max:", id="a-number-without-a-bound"
        ),
        pytest.param("yes", "returned str; accepted: bool, float", id="a-text"),
        pytest.param(None, "returned NoneType; accepted", id="nothing"),
        pytest.param((True, 1), "returned tuple; accepted", id="a-reason-that-is-no-text"),
    ],
)
def test_any_other_return_value_is_an_error_of_the_trial(returned: Any, error: str) -> None:
    @scorer("mine")
    def mine(sample: Sample) -> Any:
        return returned

    found = score({"mine": None}, "x")
    assert found.passed is None
    assert error in (found.error or "")


def test_a_scorer_is_given_the_sample_and_the_parameters_of_the_file() -> None:
    @scorer("longer_than")
    def longer_than(sample: Sample, words: int, *, strict: bool = False) -> bool:
        return len(sample.answer.text.split()) > words + strict

    assert score({"longer_than": 1}, "two words").passed is True
    assert score({"longer_than": {"words": 1, "strict": True}}, "two words").passed is False


def test_a_scorer_may_be_async() -> None:
    @scorer("mine")
    async def mine(sample: Sample) -> tuple[bool, str]:
        return True, sample.answer.text

    assert score({"mine": {}}, "awaited").reason == "awaited"


@pytest.mark.parametrize(
    ("error", "passed", "said"), [(ValueError, False, "could not read the answer: "), (OSError, None, "")]
)
def test_a_scorer_that_raises_gives_an_error_in_one_line(
    error: type[Exception], passed: bool | None, said: str
) -> None:
    @scorer("mine")
    def mine(sample: Sample) -> bool:
        raise error("first\nsecond \x1b[31m")

    found = score({"mine": {}}, "x")
    expected = rf"{said}{error.__name__}: first second \x1b[31m"
    assert found == Score(scorer="mine", passed=passed, error=expected)


def test_an_interrupt_is_not_swallowed() -> None:
    @scorer("mine")
    def mine(sample: Sample) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score({"mine": {}}, "x")


def test_a_scorer_that_exits_is_an_error_of_its_trial() -> None:
    @scorer("mine")
    def mine(sample: Sample) -> bool:
        raise SystemExit(3)

    assert score({"mine": {}}, "x").error == "SystemExit: 3"


@pytest.mark.parametrize(
    ("params", "path", "problem"),
    [
        pytest.param(
            {"wrods": 1, "words": 1}, ("mine", "wrods"), "did you mean 'words'?", id="an-unknown-one"
        ),
        pytest.param({}, ("mine", "words"), "is missing", id="a-missing-one"),
        pytest.param(
            {"words": 1, "min": "x"}, ("mine", "min"), "must be a number, not 'x'", id="a-bound-as-text"
        ),
        pytest.param({"words": 1, "max": True}, ("mine", "max"), "must be a number", id="a-bound-as-truth"),
    ],
)
def test_bad_parameters_are_refused_when_the_case_is_read(
    params: Any, path: tuple[str, ...], problem: str
) -> None:
    @scorer("mine")
    def mine(sample: Sample, words: int) -> bool:
        return True

    with pytest.raises(ValidationError, match="1 validation error") as caught:
        parse_scorer({"mine": params})
    assert caught.value.errors()[0]["loc"] == path
    assert problem in caught.value.errors()[0]["msg"]


def test_a_bare_value_is_refused_by_a_scorer_without_parameters() -> None:
    @scorer("mine")
    def mine(sample: Sample) -> bool:
        return True

    with pytest.raises(ValidationError, match="takes no parameter but min and max, and was given '3'"):
        parse_scorer({"mine": 3})


def test_a_scorer_that_takes_any_parameter_is_given_all_of_them() -> None:
    @scorer("mine")
    def mine(sample: Sample, **params: int) -> tuple[bool, str]:
        return True, str(sorted(params))

    assert score({"mine": {"b": 1, "a": 2}}, "x").reason == "['a', 'b']"


def no_arguments() -> bool:
    return True


def only_keywords(*, sample: Sample) -> bool:
    return True


def fine(sample: Sample) -> bool:
    return True


def takes_min(sample: Sample, min: float) -> bool:
    return True


@pytest.mark.parametrize(
    ("name", "function", "problem"),
    [
        pytest.param("contains", fine, "that of a built-in scorer", id="a-built-in-name"),
        pytest.param("Is-It", fine, "lower-case letters, digits and _", id="no-name"),
        pytest.param("mine", no_arguments, "must take the sample", id="no-argument"),
        pytest.param("mine", only_keywords, "must take the sample", id="a-keyword-only-sample"),
        pytest.param("mine", takes_min, "has a parameter 'min'", id="a-parameter-that-is-taken"),
    ],
)
def test_a_scorer_that_cannot_be_used_is_refused_where_it_is_registered(
    name: str, function: Callable[..., bool], problem: str
) -> None:
    with pytest.raises(BadInputError, match=problem):
        scorer(name)(function)


def test_two_functions_cannot_share_a_name() -> None:
    scorer("mine")(no_source)
    with pytest.raises(BadInputError, match=r"registered twice: .*test_registry\.py.* and "):
        scorer("mine")(fine)


def no_source(sample: Sample) -> bool:
    return False


def test_the_same_function_may_be_registered_again_when_its_module_is_imported_again() -> None:
    scorer("mine")(no_source)
    assert scorer("mine")(no_source) is no_source
    assert "mine" in known_scorers()


def test_forgotten_scorers_are_unknown() -> None:
    scorer("mine")(no_source)
    forget_scorers()
    assert set(known_scorers()) == set(BUILT_IN)


def test_every_scorer_is_one_by_the_protocol() -> None:
    scorer("mine")(no_source)
    assert isinstance(parse_scorer({"mine": None}), Scorer)
    assert isinstance(parse_scorer({"contains": "x"}), Scorer)


def test_importing_the_package_loads_no_heavy_library() -> None:
    heavy = [
        "sqlglot",
        "scipy",
        "jsonschema",
        "openai",
        "dbos",
        "agents",
        "pandas",
        "jsonpath",
        "genai_prices",
    ]
    code = f"import refork_evals, refork_evals.scorers.builtin, sys; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

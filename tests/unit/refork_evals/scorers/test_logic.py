"""How all, any and not combine, also where a part cannot say."""

from collections.abc import Generator
from typing import Any

import pytest
from refork_evals import Sample, scorer
from refork_evals.scorers.registry import forget_scorers
from support.evals_builders import score

YES, NO, BROKEN, UNREADABLE = (
    {"contains": "fell"},
    {"contains": "rose"},
    {"broken": None},
    {"unreadable": None},
)


@pytest.fixture(autouse=True)
def broken_scorer() -> Generator[None]:
    @scorer("broken")
    async def broken(sample: Sample) -> bool:
        raise RuntimeError("no connection")

    @scorer("unreadable")
    def unreadable(sample: Sample) -> bool:
        raise ValueError("no number in it")

    yield
    forget_scorers()


@pytest.mark.parametrize(
    ("expectation", "passed"),
    [
        pytest.param({"all": [YES, YES]}, True, id="all-pass"),
        pytest.param({"all": [YES, NO]}, False, id="one-of-all-fails"),
        pytest.param({"all": [YES, BROKEN]}, None, id="one-of-all-cannot-say"),
        pytest.param({"all": [BROKEN, NO]}, False, id="one-of-all-fails-whatever-the-other-says"),
        pytest.param({"any": [NO, YES]}, True, id="one-of-any-passes"),
        pytest.param({"any": [NO, NO]}, False, id="none-of-any-passes"),
        pytest.param({"any": [NO, BROKEN]}, None, id="one-of-any-cannot-say"),
        pytest.param({"any": [BROKEN, YES]}, True, id="one-of-any-passes-whatever-the-other-says"),
        pytest.param({"not": NO}, True, id="not-a-failure"),
        pytest.param({"not": YES}, False, id="not-a-pass"),
        pytest.param({"not": BROKEN}, None, id="not-an-error"),
        pytest.param({"all": [YES, UNREADABLE]}, False, id="one-of-all-cannot-read-it"),
        pytest.param({"any": [NO, UNREADABLE]}, False, id="one-of-any-cannot-read-it"),
        pytest.param({"any": [UNREADABLE, YES]}, True, id="another-of-any-can-read-it"),
        pytest.param({"any": [UNREADABLE, BROKEN]}, None, id="one-cannot-read-it-and-one-cannot-say"),
        pytest.param({"not": UNREADABLE}, False, id="what-cannot-be-read-is-no-pass"),
        pytest.param({"not": {"not": UNREADABLE}}, False, id="however-often-it-is-negated"),
        pytest.param({"any": [NO, {"not": {"all": [YES, NO]}}]}, True, id="nested"),
    ],
)
def test_parts_combine(expectation: dict[str, Any], passed: bool | None) -> None:
    assert score(expectation, "revenue fell").passed is passed


def test_a_failure_says_what_each_part_found() -> None:
    found = score({"any": [NO, {"contains": "sank"}]}, "it fell")
    assert (
        found.reason
        == "contains: does not contain 'rose': 'it fell'; contains: does not contain 'sank': 'it fell'"
    )
    assert score({"not": YES}, "it fell").reason == "contains: contains 'fell': 'it fell'"


def test_an_error_names_the_part_that_raised() -> None:
    assert score({"all": [YES, BROKEN]}, "it fell").error == "broken: RuntimeError: no connection"
    assert score({"not": BROKEN}, "it fell").error == "broken: RuntimeError: no connection"
    unread = "unreadable: could not read the answer: ValueError: no number in it"
    assert score({"not": UNREADABLE}, "it fell").error == unread
    assert score({"any": [NO, UNREADABLE]}, "it fell").error == unread


def test_parts_after_the_one_that_settles_it_are_not_asked() -> None:
    asked: list[str] = []

    @scorer("asked")
    def ask(sample: Sample, name: str) -> bool:
        asked.append(name)
        return name == "yes"

    score({"any": [{"asked": "no"}, {"asked": "yes"}, {"asked": "dear"}]}, "x")
    score({"all": [{"asked": "yes"}, {"asked": "no"}, {"asked": "dear"}]}, "x")
    assert asked == ["no", "yes", "yes", "no"]

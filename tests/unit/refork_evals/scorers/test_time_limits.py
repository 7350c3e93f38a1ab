"""Patterns, paths and schemas of a case file are bounded in time, whatever a model wrote."""

import json
import time
from typing import Any

import pytest
from refork_evals.scorers import time_limits as bounds
from refork_evals.scorers.protocol import run_scorer, score_now
from refork_evals.scorers.registry import parse_scorer
from refork_evals.scorers.time_limits import TooLongError, in_time
from refork_evals.trials import run_to_end
from support.evals_builders import sample

HANGS = "(x+x+)+y"
TEXT = "x" * 5000
SCORERS: dict[str, tuple[Any, str]] = {
    "regex": ({"regex": HANGS}, TEXT),
    "regex in any case": ({"regex": {"pattern": HANGS, "ignore_case": True}}, TEXT),
    "alternatives": ({"regex": "^(a|aa)+$"}, "a" * 60 + "!"),
    "a pattern of a schema": ({"json_schema": {"schema": {"pattern": HANGS}}}, json.dumps(TEXT)),
    "properties of a schema": (
        {"json_schema": {"schema": {"patternProperties": {HANGS: {}}}}},
        json.dumps({TEXT: 1}),
    ),
    "a path that searches": (
        {"json_path": f"$[?search(@.name, '{HANGS}')]"},
        json.dumps([{"name": TEXT}]),
    ),
    "a path that matches": ({"json_path": f"$[?match(@.name, '{HANGS}')]"}, json.dumps([{"name": TEXT}])),
    "inside not": ({"not": {"regex": HANGS}}, TEXT),
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PATTERN_SECONDS", 0.3)


@pytest.mark.parametrize("name", SCORERS)
def test_a_pattern_that_would_hang_is_an_error_that_names_it(name: str) -> None:
    expectation, text = SCORERS[name]
    began = time.monotonic()
    score = run_to_end(run_scorer(parse_scorer(expectation), sample(text)))
    assert time.monotonic() - began < 30
    assert score.passed is None
    assert score.error is not None
    assert "pattern" in score.error
    assert "took longer than" in score.error


def test_work_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(TooLongError, match=r"json_path '\$\.\.a' took longer than 0\.1 s"):
        in_time(lambda: time.sleep(1), what="json_path '$..a'", seconds=0.1)


def test_a_schema_that_refers_to_itself_ends() -> None:
    endless = {"json_schema": {"schema": {"$ref": "#"}}}
    score = score_now(parse_scorer(endless), sample("{}"))
    assert score is not None
    assert score.passed is None


def test_what_work_raises_and_gives_comes_out() -> None:
    assert in_time(lambda: 3, what="here") == 3
    with pytest.raises(KeyError):
        in_time(lambda: dict[str, int]()["a"], what="here")

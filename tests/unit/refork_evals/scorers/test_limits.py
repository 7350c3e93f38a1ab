"""What an answer may take, and that the unknown is an error and never a pass."""

from decimal import Decimal
from typing import Any

import pytest
from refork.records.usage import Usage
from support.evals_builders import answer, sample, score

USAGE = Usage(calls=1, input_tokens=100, output_tokens=20)
TOOK = sample(answer("x"), usage=USAGE, seconds=1.5, cost_usd=Decimal("0.002"), model="gpt-4o-mini")


@pytest.mark.parametrize(
    ("expectation", "passes", "reason"),
    [
        pytest.param({"max_tokens": 120}, True, "120 tokens, allowed 120", id="all-tokens-at-the-limit"),
        pytest.param({"max_tokens": 119}, False, "120 tokens, allowed 119", id="all-tokens-over"),
        pytest.param(
            {"max_tokens": {"limit": 20, "count": "output"}}, True, "20 output tokens", id="output-tokens"
        ),
        pytest.param(
            {"max_tokens": {"limit": 99, "count": "input"}}, False, "100 input tokens", id="input-tokens"
        ),
        pytest.param({"max_seconds": 1.5}, True, "1.5 s, allowed 1.5 s", id="seconds-at-the-limit"),
        pytest.param({"max_seconds": 1}, False, "1.5 s, allowed 1 s", id="seconds-over"),
        pytest.param({"max_cost": 0.002}, True, "$0.002, allowed $0.002", id="cost-at-the-limit"),
        pytest.param({"max_cost": 0.0019}, False, "$0.002, allowed $0.0019", id="cost-over"),
    ],
)
def test_an_answer_within_the_limit_passes(expectation: dict[str, Any], passes: bool, reason: str) -> None:
    found = score(expectation, TOOK)
    assert found.passed is passes
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("expectation", "known", "error"),
    [
        pytest.param({"max_tokens": 1}, {}, "provider reported no usage", id="no-usage"),
        pytest.param({"max_seconds": 1}, {}, "no time was recorded", id="no-time"),
        pytest.param({"max_cost": 1}, {}, "provider reported no usage", id="no-usage-to-price"),
        pytest.param(
            {"max_cost": 1},
            {"usage": USAGE, "model": "my-model"},
            "no price is known for the model 'my-model': give one in [tool.refork.prices]",
            id="no-price",
        ),
    ],
)
def test_the_unknown_is_an_error_of_the_trial(expectation: dict[str, Any], known: Any, error: str) -> None:
    found = score(expectation, sample(answer("x"), **known))
    assert found.passed is None
    assert error in (found.error or "")

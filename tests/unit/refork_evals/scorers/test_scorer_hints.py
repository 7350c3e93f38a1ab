"""What a scorer says where it looks at the wrong part of an answer."""

import pytest
from support.evals_builders import answer, score

TYPED = answer(structured={"total": 12})


@pytest.mark.parametrize("expectation", [{"json_path": "$.total"}, {"contains": "12"}, {"number": 12}])
def test_the_text_of_an_answer_that_is_typed_hints_at_its_structured_form(
    expectation: dict[str, object],
) -> None:
    found = score(expectation, TYPED)
    assert found.passed is False
    assert found.reason.endswith("say `from: structured`")


def test_an_answer_with_a_text_gets_no_such_hint() -> None:
    assert "structured" not in score({"contains": "12"}, answer("eleven", structured={"total": 12})).reason

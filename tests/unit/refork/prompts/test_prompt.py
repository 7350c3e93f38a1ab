"""A candidate prompt that is written in Python."""

import pytest
from refork import Prompt
from refork.errors import TemplateError


def test_a_prompt_without_a_name_is_named_by_its_place() -> None:
    assert Prompt("Be careful.").variant(2).name == "prompt-2"
    assert Prompt("Be careful.", name="careful").variant(2).name == "careful"


def test_the_variables_of_a_prompt_of_the_application_are_known_only_where_it_stands_for_one() -> None:
    assert Prompt("Dear {{ customer }}").variant(1, plain="greeting").template == "Dear {{ customer }}"
    with pytest.raises(TemplateError, match="'customer' is undefined"):
        Prompt("Dear {{ customer }}").variant(1)

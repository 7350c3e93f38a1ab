"""Stubs: registered by the user, named in pyproject.toml, forgotten after a session."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from refork.errors import BadInputError
from refork.tool_policy import Rule, ToolPolicy
from refork.tool_policy.rule_files import project_rules
from refork.tool_policy.stubs import check_stubs, forget_stubs, registered_stubs, stub, stub_for


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget_stubs()


def asks(**tools: Any) -> ToolPolicy:
    return ToolPolicy(rules=project_rules(tools))


def test_a_function_is_registered_and_stays_what_it_was() -> None:
    @stub("charge")
    def fake(amount: int) -> int:
        return amount

    @stub("refund-all")
    async def other(**arguments: Any) -> Any:
        return arguments

    assert dict(registered_stubs()) == {"charge": fake, "refund-all": other}
    assert fake(3) == 3


def test_stubs_are_forgotten() -> None:
    stub("charge")(lambda: 1)
    forget_stubs()
    assert not registered_stubs()


@pytest.mark.parametrize("name", ["", " ", "a b", "1a", "é", "a\n", None, 3, test_stubs_are_forgotten])
def test_a_name_that_no_tool_can_have_is_refused(name: Any) -> None:
    with pytest.raises(BadInputError, match=r"must be the name of a tool, as in @stub\('charge'\)"):
        stub(name)


def test_a_name_that_is_taken_is_refused_with_both_places() -> None:
    stub("charge")(lambda: 1)
    with pytest.raises(BadInputError, match=r"'charge' is registered twice: .*:\d+ and .*:\d+"):
        stub("charge")(lambda: 2)


def test_a_module_that_is_imported_again_registers_again() -> None:
    def make() -> Callable[[], int]:
        return stub("charge")(lambda: 1)

    make()
    assert make() is registered_stubs()["charge"]


def test_a_function_that_cannot_take_arguments_by_name_is_refused() -> None:
    def by_position(amount: int, /) -> int:
        return amount

    with pytest.raises(BadInputError, match="'charge' takes 'amount' by position only"):
        stub("charge")(by_position)
    with pytest.raises(BadInputError, match="must be a function, and is a int"):
        stub("charge")(3)  # type: ignore[type-var]


def test_a_stub_is_found_by_the_rule_and_else_by_the_tools_name() -> None:
    stubs: dict[str, Callable[..., Any]] = {"charge": len, "Shop.charge": max, "fake": min}
    (own,), (named,) = project_rules({"*charge": "stub"}), project_rules({"charge": {"stub": "fake"}})
    assert stub_for(own, "charge", stubs) is len
    assert stub_for(own, "Shop.charge", stubs) is max
    assert stub_for(own, "Other.charge", stubs) is len
    assert stub_for(named, "charge", stubs) is min
    assert stub_for(named, "charge", {"charge": len}) is None


@pytest.mark.parametrize(
    "tools",
    [
        {},
        {"run_sql": "live"},
        {"charge": "stub"},
        {"Shop.charge": "stub"},
        {"pay": {"stub": "charge"}},
        {"p*": {"stub": "charge"}},
        {"c*": "stub"},
    ],
)
def test_a_policy_whose_stubs_are_registered_is_accepted(tools: dict[str, Any]) -> None:
    stub("charge")(lambda: 1)
    check_stubs(asks(**tools))


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (
            {"pay": {"stub": "chrge"}},
            "asks for the stub 'chrge' for 'pay', and nobody registered it; did you mean",
        ),
        (
            {"pay": "stub"},
            "asks for the stub 'pay' for 'pay', and nobody registered it; known: charge, refund",
        ),
        ({"p*": "stub"}, "asks for a stub of a name like 'p*' for 'p*', and nobody registered it"),
    ],
)
def test_a_stub_that_nobody_registered_is_an_error_that_names_the_near_ones(
    tools: dict[str, Any], said: str
) -> None:
    stub("charge")(lambda: 1)
    stub("refund")(lambda: 1)
    with pytest.raises(BadInputError) as caught:
        check_stubs(asks(**tools))
    assert said in str(caught.value)
    assert "conftest.py" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_any_stub_the_error_says_how_to_register_one() -> None:
    with pytest.raises(BadInputError, match=r"nobody registered it; register it with refork\.stub in a"):
        check_stubs(asks(pay="stub"))


def test_only_rules_that_ask_for_a_stub_need_one() -> None:
    check_stubs(ToolPolicy(rules=(Rule(pattern="a", action=project_rules({"a": "deny"})[0].action),)), {})

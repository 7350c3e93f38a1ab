"""Rules that can hold, and those that cannot: by what is known to have a name."""

from typing import Any

import pytest
from refork.records import Answer, Request, Run, Step, StepKind, Tool, ToolCall
from refork.tool_policy import Rule
from refork.tool_policy.known_names import KnownNames, as_pattern, names_of_run
from refork.tool_policy.rule_files import project_rules

RUN = Run(
    id="r",
    workflow="serve",
    status="SUCCESS",
    steps=(
        Step(
            number=1,
            name="_model_call_step",
            kind=StepKind.MODEL,
            request=Request(tools=(Tool(name="search"), Tool(name="research"))),
            answer=Answer(tool_calls=(ToolCall(name="refund", arguments={}),)),
        ),
        Step(number=2, name="Shop.pay_back", kind=StepKind.TOOL, tool="refund"),
        Step(number=3, name="note"),
        Step(number=4, name="summarize_all", kind=StepKind.MODEL),
        Step(number=5, name="research", child_run="c"),
        Step(number=6, name="mail_all", child_run="d"),
        Step(number=7, name="DBOS.send"),
    ),
)
KNOWN = names_of_run(RUN)
PLAIN = names_of_run(Run(id="r", workflow="serve", status="SUCCESS", steps=RUN.steps[2:]))


def rule(name: str, said: Any) -> Rule:
    (made,) = project_rules({name: said})
    return made


@pytest.mark.parametrize("said", ["live", "stub", "deny", "replay", {"stub": "fake"}])
@pytest.mark.parametrize("name", ["refund", "search", "note", "Shop.pay_back", "pay_back"])
def test_any_rule_can_hold_for_a_tool_or_a_step(name: str, said: Any) -> None:
    assert KNOWN.holds(rule(name, said))
    assert KNOWN.cannot_hold(rule(name, said)) == ""


@pytest.mark.parametrize("said", ["live", "stub", {"stub": "fake"}])
@pytest.mark.parametrize("known", [KNOWN, PLAIN])
def test_a_child_workflow_neither_acts_nor_has_a_stub(known: KnownNames, said: Any) -> None:
    why = known.cannot_hold(rule("mail_all", said))
    assert why.startswith(f"has {said!r}" if said == "live" else "has a stub")
    assert "'mail_all', which is a workflow" in why
    assert "say replay or deny" in why


@pytest.mark.parametrize("said", ["deny", "replay"])
@pytest.mark.parametrize("name", ["mail_all", "summarize_all", "serve"])
def test_whatever_has_a_name_can_be_denied_and_replayed(name: str, said: str) -> None:
    assert KNOWN.cannot_hold(rule(name, said)) == ""


def test_a_tool_that_is_a_workflow_can_have_a_stub_and_cannot_act() -> None:
    assert KNOWN.cannot_hold(rule("research", "stub")) == ""
    assert "which is a workflow" in KNOWN.cannot_hold(rule("research", "live"))


def test_a_workflow_that_no_run_started_has_no_stub_where_no_model_is_offered_tools() -> None:
    assert KNOWN.cannot_hold(rule("serve", "stub")) == ""
    assert "which is a workflow" in PLAIN.cannot_hold(rule("serve", "stub"))
    assert "which is a workflow" in KNOWN.cannot_hold(rule("serve", "live"))


def test_a_step_that_asks_a_model_may_act_and_has_no_stub() -> None:
    assert KNOWN.cannot_hold(rule("summarize_all", "live")) == ""
    assert "a step that asks a model" in KNOWN.cannot_hold(rule("summarize_all", "stub"))


@pytest.mark.parametrize("name", ["mail_all", "serve", "summarize_all"])
def test_a_workflow_and_a_step_that_asks_a_model_are_not_the_user(name: str) -> None:
    assert "the user's turns come by a step" in KNOWN.cannot_hold(rule(name, {"user": True}))
    assert KNOWN.cannot_hold(rule("note", {"user": True})) == ""
    assert KNOWN.cannot_hold(rule("refund", {"user": True, "stub": "customer"})) == ""


@pytest.mark.parametrize("pattern", ["*", "mail_*", "mail_al[l]", "summarize_*"])
def test_a_pattern_is_never_refused(pattern: str) -> None:
    assert KNOWN.cannot_hold(rule(pattern, "live")) == ""


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("refnd", "; did you mean 'refund'?"),
        ("Refund", "; did you mean 'refund'?"),
        ("DBOS.Send", "; did you mean 'DBOS.send'?"),
        ("send", "; did you mean 'DBOS.send'?"),
        ("zzz", "; known: note, pay_back, refund, research, search, summarize_all"),
    ],
)
def test_a_name_that_nothing_has_is_told_with_the_nearest(name: str, hint: str) -> None:
    assert not KNOWN.holds(rule(name, "deny"))
    assert KNOWN.nearest(name).replace("_model_call_step, ", "") == hint


def test_a_name_as_a_pattern_fits_that_name_alone() -> None:
    made = rule(as_pattern("search"), "live")
    assert made.is_glob
    assert made.fits("search")
    assert not made.fits("searched")

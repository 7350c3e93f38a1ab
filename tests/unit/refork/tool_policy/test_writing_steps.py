"""Which recorded steps are known to write: by the project's rules, and by the names of DBOS's operations."""

import pytest
from refork.errors import BadInputError
from refork.records import Run, Step, StepKind
from refork.tool_policy import ToolPolicy
from refork.tool_policy.rule_files import project_rules
from refork.tool_policy.writing_steps import writing_steps


def written(name: str, **rules: object) -> bool:
    """Return whether the step ``name`` counts as one that writes."""
    kind = StepKind.OTHER if name.startswith("DBOS.") else StepKind.TOOL
    tool = None if kind is StepKind.OTHER else name
    run = Run(
        id="r", workflow="w", status="SUCCESS", steps=(Step(number=4, name=name, kind=kind, tool=tool),)
    )
    return 4 in writing_steps(run, ToolPolicy(rules=project_rules(rules)))


def test_a_rule_says_that_a_tool_writes() -> None:
    assert written("refund", refund={"writes": True})
    assert written("refund", refund={"writes": True, "stub": "fake_refund"})


def test_what_a_rerun_may_not_make_counts_as_writing() -> None:
    assert written("send_mail", send_mail="deny")
    assert written("charge", charge={"stub": "fake_charge"})
    assert written("send_mail", **{"send_*": "deny"})


def test_what_a_rerun_may_make_and_what_no_rule_names_does_not() -> None:
    assert not written("look", look="live")
    assert not written("look", look="replay")
    assert not written("look")
    assert not written("look", **{"*": "deny"})
    assert not written("ask_user", ask_user={"user": True, "stub": "customer"})


def test_dbos_operations_write_if_they_change_something_outside_the_run() -> None:
    assert written("DBOS.send")
    assert written("DBOS.cancelWorkflow")
    assert not written("DBOS.setEvent")
    assert not written("DBOS.sleep", **{"DBOS.*": "deny"})


def test_a_wrong_table_says_what_is_accepted() -> None:
    with pytest.raises(BadInputError, match=r"\{writes = true\} that it writes"):
        project_rules({"refund": {"writes": "yes"}})

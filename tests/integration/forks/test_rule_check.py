"""A rule about tools that cannot hold is refused before anything is paid, and one that may is not."""

import importlib
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from refork.errors import BadInputError
from refork.fork import ForkSession
from refork.fork.rule_check import RuleCheck
from refork.records import Case, Run, StepKind
from refork.source_code.mentioned_names import Mentioned, mentioned, own_modules
from refork.tool_policy import ToolPolicy
from refork.tool_policy.rule_files import project_rules
from support.forks import case_of, measure
from support.model_server import ModelServer

RunsByName = dict[str, Run]


def tail_of(run: Run, **rest: Any) -> Case:
    first = next(step.number for step in run.steps if step.kind is StepKind.MODEL)
    return case_of(run, first, scope="tail", **rest)


@pytest.fixture
def case(runs: RunsByName, session: ForkSession) -> Case:
    return tail_of(session.replay(runs["a_long_run"]).run)


@pytest.fixture
def with_children(runs: RunsByName, session: ForkSession) -> Case:
    return tail_of(session.replay(runs["children_before"]).run)


@pytest.fixture(autouse=True)
def nothing_granted(session: ForkSession) -> Generator[None]:
    yield
    session._host.policy, session._host.stubs = ToolPolicy(), {}
    session._checked = False


def fake(**_given: object) -> None:
    """A stub that answers nothing."""


def says(session: ForkSession, **tools: Any) -> None:
    session._host.policy = ToolPolicy(rules=project_rules(tools))
    session._host.stubs = {"fake": fake}


def refused(session: ForkSession, case: Case) -> str:
    with pytest.raises(BadInputError) as caught:
        session.fork(case)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [("look_upp", "live"), ("Look_up", "deny"), ("lookup", "replay"), ("look_u", {"stub": "fake"})],
)
def test_a_name_that_nothing_has_is_refused_with_the_nearest_before_anything_is_paid(
    session: ForkSession, case: Case, server: ModelServer, name: str, said: Any
) -> None:
    says(session, **{name: said})
    assert refused(session, case) == (
        f"[tool.refork.tools] has a rule for {name!r}, and neither a recorded run nor the application has a tool, a "
        "step or a workflow of that name; did you mean 'look_up'? Where it names a tool that is made only while the "
        f"agent runs, write a pattern, which may fit nothing: '{name[:-1]}[{name[-1]}]'"
    )
    assert server.count == 0


@pytest.mark.parametrize(
    ("name", "meant"), [("DBOS.Send", "DBOS.send"), ("send", "DBOS.send"), ("DBOS.setEvnt", "DBOS.setEvent")]
)
def test_an_operation_of_dboss_is_known_by_its_whole_name(
    session: ForkSession, case: Case, name: str, meant: str
) -> None:
    says(session, **{name: "live"})
    assert f"did you mean {meant!r}?" in refused(session, case)


@pytest.mark.parametrize("said", ["live", {"stub": "fake"}])
def test_a_child_workflow_can_neither_act_nor_have_a_stub(
    session: ForkSession, with_children: Case, server: ModelServer, said: Any
) -> None:
    says(session, child=said)
    message = refused(session, with_children)
    assert message.startswith("[tool.refork.tools] has ")
    assert "for 'child', which is a workflow: a rerun starts no child workflow" in message
    assert server.count == 0


def test_a_workflow_that_this_run_did_not_start_is_no_more_live(session: ForkSession, case: Case) -> None:
    says(session, child="live")
    assert "'child', which is a workflow" in refused(session, case)


@pytest.mark.parametrize(
    "tools",
    [
        {"look_up": "live"},  # called
        {"send_mail": "live"},  # offered, and not called
        {"fail": "live"},  # a step that the run does not come to
        {"jot": "live"},  # a function of the application's that is not a step
        {"shell": "deny"},  # a tool that is not a function
        {"child": "deny", "child_sync": "replay"},
        {"DBOS.send": "live", "DBOS.sleep": "live", "DBOS.getEvent": "deny"},
        {"nobody_*": "live", "look_up[p]": "live"},
        {"_model_call_step": "live"},
    ],
    ids=lambda tools: next(iter(tools)),
)
def test_a_rule_that_may_hold_is_not_refused(
    session: ForkSession, case: Case, server: ModelServer, tools: dict[str, Any]
) -> None:
    says(session, **tools)
    (trial,) = measure(session, case, 1).trials
    assert trial.error is None or "may not act" in trial.error.message or "is denied" in trial.error.message
    assert session.note == ""


def test_a_rule_of_a_case_is_held_to_that_case(session: ForkSession, case: Case) -> None:
    said = refused(session, case_of(case.run, case.step, scope="tail", tools={"refnd": "deny"}))
    assert said.partition(" has a rule for 'refnd'")[0].endswith("case.yaml': 'tools'")
    assert "did you mean 'refund'?" in said
    measure(session, case_of(case.run, case.step, scope="tail", tools={"refund": "deny"}), 1)


def test_no_rule_is_refused_of_a_case_that_measures_one_step(
    session: ForkSession, case: Case, server: ModelServer
) -> None:
    says(session, look_upp="live")
    (trial,) = measure(session, case_of(case.run, case.step, agent="Clerk"), 1).trials
    assert trial.error is None


def test_a_rule_that_is_possible_in_one_of_several_cases_is_accepted(
    session: ForkSession, case: Case, with_children: Case, server: ModelServer
) -> None:
    says(session, note="live", note_async="live", refund="live")
    session.check([case, with_children])
    says(session, refnd="live")
    with pytest.raises(BadInputError, match="did you mean 'refund'"):
        session.check([case, with_children])


def test_a_tool_that_another_case_recorded_is_known(
    session: ForkSession, case: Case, tmp_path: Path, server: ModelServer
) -> None:
    for name in ("this", "that"):
        (tmp_path / name).mkdir()
    (tmp_path / "that" / "run.json").write_text('{"steps": [{"tool": "from_elsewhere"}]}', encoding="utf-8")
    says(session, from_elsewhere="live")
    measure(session, case_of(case.run, case.step, scope="tail", folder=tmp_path / "this"), 1)
    says(session, from_nowhere="live")
    refused(session, case_of(case.run, case.step, scope="tail", folder=tmp_path / "this"))


def test_an_unknown_name_is_only_mentioned_if_tools_come_from_a_server(
    session: ForkSession, case: Case, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_rules", RuleCheck(steps=(), workflows=()))

    def open_ended(modules: Sequence[str]) -> Mentioned:
        return replace(mentioned(modules), is_open=True)

    monkeypatch.setattr("refork.fork.rule_check.mentioned", open_ended)
    says(session, list_filez="live")
    for _ in range(2):
        measure(session, case, 1)
    assert session.note.count("has a rule for 'list_filez', and neither a recorded run") == 1


SOURCES = {
    "shop_app/__init__.py": "",
    "shop_app/agent.py": """
        from shop_app import tools
        from .more import NAMES
        from dbos import DBOS

        def serve():
            DBOS.send("a", "b")
            return tools.charge, "Research Agent"
        """,
    "shop_app/tools.py": "def charge(): ...\n",
    "shop_app/more.py": "NAMES = ['from_a_list']\n",
    "shop_app/unrelated.py": "def chrge(): ...\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("agent", "unrelated"):
        importlib.import_module(f"shop_app.{name}")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop_app"]:
        del sys.modules[name]


@pytest.mark.usefixtures("shop")
def test_only_what_the_application_imports_is_read_for_names() -> None:
    assert set(own_modules(["shop_app.agent"])) == {
        "shop_app", "shop_app.agent", "shop_app.more", "shop_app.tools",
    }  # fmt: skip
    found = mentioned(["shop_app.agent"])
    assert all(map(found.holds, ["charge", "from_a_list", "research_agent", "serve.<locals>.charge"]))
    assert not any(map(found.holds, ["chrge", "send", "Shop.charge", "nothing"]))
    assert mentioned(["shop_app"]).holds("chrge")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("source", ["MCPServerStdio = object\n", None])
def test_a_server_of_tools_and_a_source_that_cannot_be_read_leave_names_open(
    tmp_path: Path, source: str | None
) -> None:
    assert not mentioned(["shop_app.agent"]).is_open
    file = tmp_path / "shop_app/more.py"
    if source is None:
        file.unlink()
    else:
        file.write_text(source + "MCPServerStdio.name\n" + "'mcp'\n", encoding="utf-8")
    assert mentioned(["shop_app.agent"]).is_open

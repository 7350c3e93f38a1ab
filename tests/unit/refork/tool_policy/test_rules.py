"""What a tool may do in a rerun: the project grants, a case only tightens."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refork.case_files.case_file import load_case, save_case_yaml
from refork.case_files.run_file import save_run
from refork.config import load_config
from refork.errors import BadFileError, BadInputError
from refork.records import Run, Step
from refork.tool_policy import Action, OnMiss, Rule, ToolPolicy, last_part, merged, tightened
from refork.tool_policy.rule_files import case_rules, project_rules
from support.policies import LOOSENESS, NAMES, policies


def policy(**tools: Any) -> ToolPolicy:
    return ToolPolicy(rules=project_rules(tools))


def action(name: str, tools: dict[str, Any]) -> Action:
    return ToolPolicy(rules=project_rules(tools)).action_for(name)


def test_what_no_rule_is_about_is_replayed() -> None:
    assert ToolPolicy().action_for("anything") is Action.REPLAY
    assert action("anything", {"other": "live"}) is Action.REPLAY


@pytest.mark.parametrize("name", ["run_sql", "Shop.run_sql", "build.<locals>.run_sql"])
def test_a_step_goes_by_its_whole_name_and_by_its_last_part(name: str) -> None:
    assert action(name, {"run_sql": "live"}) is Action.LIVE
    assert action(name, {name: "live"}) is Action.LIVE
    assert action(name, {"run_*": "live"}) is Action.LIVE
    assert action(name, {"sql": "live", "Run_sql": "live", "run_sqls": "live"}) is Action.REPLAY


def test_operations_of_dbos_go_by_their_whole_name() -> None:
    assert action("DBOS.send", {"send": "live"}) is Action.REPLAY
    assert action("DBOS.send", {"DBOS.send": "live"}) is Action.LIVE
    assert action("DBOS.send", {"DBOS.*": "live"}) is Action.LIVE
    assert last_part("DBOS.send") == "DBOS.send"


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ({"*": "live", "search_web": "deny"}, Action.DENY),
        ({"search_web": "deny", "*": "live"}, Action.DENY),
        ({"search_*": "deny", "*": "live"}, Action.DENY),
        ({"search_*": "live", "search_w*": "deny", "s*": "live"}, Action.DENY),
        ({"Agent.search_web": "live", "search_web": "deny"}, Action.LIVE),
        ({"search_web": "live", "Agent.search_we?": "deny"}, Action.LIVE),
        # Asterisks and sets make no glob more specific.
        ({"search_****": "live", "search_w*": "deny"}, Action.DENY),
        ({"search_[uvwxyz]*": "live", "search_w*": "deny"}, Action.DENY),
    ],
)
def test_the_most_specific_rule_counts_in_any_order(tools: dict[str, Any], expected: Action) -> None:
    assert action("Agent.search_web", tools) is expected
    assert action("Agent.search_web", dict(reversed(tools.items()))) is expected


@pytest.mark.parametrize("tighter", ["deny", "replay", "stub"])
def test_of_two_globs_as_specific_the_tighter_counts(tighter: str) -> None:
    assert action("ab", {"a*": "live", "*b": tighter}) is Action(tighter)
    assert action("ab", {"*b": "live", "a*": tighter}) is Action(tighter)


def test_a_case_denies_what_the_project_grants() -> None:
    made = merged(policy(run_sql="live"), ToolPolicy(rules=case_rules({"run_*": "deny"})))
    assert made.action_for("run_sql") is Action.DENY


def test_a_case_cannot_replay_what_the_project_denies() -> None:
    made = merged(policy(send_mail="deny"), ToolPolicy(rules=case_rules({"send_mail": "replay"})))
    assert made.action_for("send_mail") is Action.DENY


def test_a_case_can_replay_what_the_project_stubs() -> None:
    made = merged(policy(charge={"stub": "fake"}), ToolPolicy(rules=case_rules({"charge": "replay"})))
    assert made.action_for("charge") is Action.REPLAY


def test_a_stub_keeps_its_name_through_a_case_that_says_nothing_of_it() -> None:
    made = merged(policy(charge={"stub": "fake"}), ToolPolicy(rules=case_rules({"other": "deny"})))
    assert made.rule_for("charge") == Rule(pattern="charge", action=Action.STUB, stub="fake")


@given(project=policies(), case=policies(), name=NAMES)
def test_a_merged_policy_is_never_looser_than_the_projects(
    project: ToolPolicy, case: ToolPolicy, name: str
) -> None:
    both = merged(project, case)
    assert LOOSENESS[both.action_for(name)] <= LOOSENESS[project.action_for(name)]
    if both.action_for(name) in (Action.LIVE, Action.STUB):
        assert both.rule_for(name) == project.rule_for(name)


@given(project=policies(), name=NAMES)
def test_a_case_that_says_nothing_changes_nothing(project: ToolPolicy, name: str) -> None:
    assert merged(project, ToolPolicy()).rule_for(name) == project.rule_for(name)
    assert merged(project, ToolPolicy()).on_miss == project.on_miss


@given(project=policies(), cases=st.lists(policies(), max_size=3), name=NAMES)
def test_the_order_in_which_cases_tighten_does_not_matter(
    project: ToolPolicy, cases: list[ToolPolicy], name: str
) -> None:
    def all_of(order: list[ToolPolicy]) -> Action:
        made = project
        for case in order:
            made = merged(made, case)
        return made.action_for(name)

    assert all_of(cases) is all_of(cases[::-1])


@given(made=policies(), name=NAMES, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_rules_does_not_matter(made: ToolPolicy, name: str, seed: Any) -> None:
    rules = list(made.rules)
    seed.shuffle(rules)
    assert ToolPolicy(rules=tuple(rules)).action_for(name) is ToolPolicy(rules=made.rules).action_for(name)


@pytest.mark.parametrize(
    ("project", "case", "expected"),
    [
        (None, None, None),
        (None, "tell", OnMiss.TELL),
        (None, "deny", OnMiss.DENY),
        ("tell", None, OnMiss.TELL),
        ("tell", "deny", OnMiss.DENY),
        ("deny", "tell", OnMiss.DENY),
    ],
)
def test_a_case_chooses_what_a_miss_does_unless_the_project_denies(
    project: str | None, case: str | None, expected: OnMiss | None
) -> None:
    def one(said: str | None) -> ToolPolicy:
        return ToolPolicy(on_miss=None if said is None else OnMiss(said))

    assert merged(one(project), one(case)).on_miss is expected


# Files.


def project(folder: Path, *lines: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text("\n".join(["[tool.refork]", *lines]) + "\n", encoding="utf-8")
    return folder


def a_case(folder: Path, *lines: str) -> Path:
    run = Run(id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s"),))
    save_run(folder / "c" / "run.json", run)
    path = save_case_yaml(folder / "c", run=run, step=1)
    path.write_text("\n".join([path.read_text(encoding="utf-8"), *lines]) + "\n", encoding="utf-8")
    return path


def test_pyproject_grants_and_a_case_tightens(tmp_path: Path) -> None:
    config = load_config(
        project(
            tmp_path,
            'on_miss = "tell"',
            "[tool.refork.tools]",
            'run_sql = "live"',
            '"search_*" = "replay"',
            'send_mail = "deny"',
            'charge = {stub = "fake_charge"}',
            'refund = "stub"',
            '"DBOS.send" = "live"',
        ),
        environ={},
    )
    assert config.tool_policy.rules == (
        Rule(pattern="run_sql", action=Action.LIVE),
        Rule(pattern="search_*", action=Action.REPLAY),
        Rule(pattern="send_mail", action=Action.DENY),
        Rule(pattern="charge", action=Action.STUB, stub="fake_charge"),
        Rule(pattern="refund", action=Action.STUB),
        Rule(pattern="DBOS.send", action=Action.LIVE),
    )
    case = load_case(a_case(tmp_path, "tools: {run_sql: replay, charge: deny}", "on_miss: deny"))
    made = tightened(config.tool_policy, case)
    names = ("run_sql", "charge", "refund", "send_mail", "search_web")
    assert [made.action_for(name) for name in names] == ["replay", "deny", "stub", "deny", "replay"]
    assert made.on_miss is OnMiss.DENY


def test_a_project_and_a_case_that_say_nothing_replay_and_deny(tmp_path: Path) -> None:
    nothing = load_config(project(tmp_path), environ={}).tool_policy
    made = tightened(nothing, load_case(a_case(tmp_path)))
    assert (made.action_for("anything"), made.on_miss) == (Action.REPLAY, None)


def test_on_miss_is_read_from_the_environment_and_tables_are_not(tmp_path: Path) -> None:
    environ = {"REFORK_ON_MISS": "tell", "REFORK_TOOLS": "live"}
    config = load_config(project(tmp_path), environ=environ)
    assert (config.on_miss, config.tools) == ("tell", ())
    with pytest.raises(BadInputError, match="unknown option '--agent-evals-tools'"):
        load_config(tmp_path, overrides={"tools": {"*": "live"}}, environ={})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('run_sql = "lve"', "has 'lve' for 'run_sql'; did you mean 'live'?"),
        ('run_sql = "x"', "has 'x' for 'run_sql'; accepted: replay, live, stub, deny, {stub = \"name\"}"),
        ("run_sql = true", "has True for 'run_sql'; accepted: replay, live, stub, deny"),
        ('DBOS.send = "live"', "has the table 'DBOS'; quote a name with dots, as in 'DBOS.send' = ..."),
        ("charge = {stub = 3}", "has no {stub = \"name\"} for 'charge', but {'stub': 3}"),
        ('charge = {stub = "a", x = 1}', "has no {stub = \"name\"} for 'charge'"),
        ("charge = {}", "has no {stub = \"name\"} for 'charge', but {}"),
        ('"" = "live"', "has '' where the name of a tool or a step must stand"),
        ('"a\\nb" = "live"', "has 'a\\nb' where the name of a tool or a step must stand"),
    ],
)
def test_a_bad_rule_of_the_project_is_refused_with_what_is_accepted(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(BadFileError) as caught:
        load_config(project(tmp_path, "[tool.refork.tools]", line), environ={})
    assert f"'tool.refork.tools' {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tools_must_be_a_table_and_on_miss_one_of_two(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"'tool.refork.tools' must be a mapping of keys to values"):
        load_config(project(tmp_path, 'tools = "live"'), environ={})
    with pytest.raises(BadFileError, match=r"'tool.refork.on_miss' must be 'deny' or 'tell', and is 'live'"):
        load_config(project(tmp_path, 'on_miss = "live"'), environ={})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tools: {run_sql: live}", "has 'live' for 'run_sql': only pyproject.toml may grant that"),
        ('tools: {"*": stub}', "has 'stub' for '*': only pyproject.toml may grant that"),
        ("tools: {charge: {stub: fake}}", "has a stub for 'charge': only pyproject.toml may grant that"),
        ("tools: {run_sql: dney}", "has 'dney' for 'run_sql'; did you mean 'deny'?"),
        ("tools: {run_sql: x}", "has 'x' for 'run_sql'; accepted: deny, replay"),
        ("tools: {run_sql: [deny]}", "has ['deny'] for 'run_sql'; accepted: deny, replay"),
        ("tools: {'': deny}", "has '' where the name of a tool or a step must stand"),
        ("tools: deny", "must be a mapping of keys to values"),
    ],
)
def test_a_case_may_not_grant(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadFileError) as caught:
        load_case(a_case(tmp_path, line))
    assert f"'tools' {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_case_may_not_choose_another_end_of_a_miss(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="'on_miss' must be 'deny' or 'tell', and is 'live'"):
        load_case(a_case(tmp_path, "on_miss: live"))


@given(name=st.text(string.printable, min_size=1), value=st.sampled_from(["live", "stub", "LIVE", "Live"]))
@example(name="*", value="live")
def test_no_name_lets_a_case_grant(name: str, value: str) -> None:
    with pytest.raises(BadInputError):
        case_rules({name: value})

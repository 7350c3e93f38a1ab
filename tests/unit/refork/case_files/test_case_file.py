"""A case folder is read as the user wrote it, and refused in one line that says what to change."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from refork import values
from refork.case_files.case_file import load_case, save_case_yaml
from refork.case_files.run_file import load_run, save_run
from refork.errors import BadFileError, BadInputError, ReforkError, ValueNotPortableError
from refork.records import Answer, RecordedError, Request, Run, Step, StepKind, Tool, ToolCall
from refork.records.usage import Usage

GOLDEN = Path(__file__).parents[1] / "golden"
NOON = datetime(2025, 11, 3, 12, tzinfo=UTC)


def a_run(*steps: Step) -> Run:
    return Run(id="run-1", workflow="analyse", status="SUCCESS", steps=steps or (Step(number=1, name="ask"),))


def a_case(folder: Path, yaml: str, run: Run | None = None) -> Path:
    save_run(folder, run or a_run())
    path = folder / "case.yaml"
    path.write_text(yaml, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadFileError) as caught:
        load_case(path)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(str(path.parent))[1:-1] in message
    return message


class TestGoldenFiles:
    def test_a_case_of_version_1_means_what_it_meant(self) -> None:
        case = load_case(GOLDEN / "case-v1" / "misleading-summary" / "case.yaml")
        assert case.name == "misleading-summary"
        assert (case.step, case.agent, case.scope, case.guard) == (2, "summarizer", "step", False)
        assert (case.trials, case.min_pass_rate, case.variants) == (12, 0.6, ("careful", "terse"))
        assert case.description == "The summary says revenue rose although it fell."
        assert case.expect[0] == {"not_contains": {"text": "increased", "ignore_case": True}}
        assert case.expect[3] == {"any": [{"contains": "fell"}, {"contains": "declined"}]}
        assert case.fork_point.answer == Answer(
            text="Revenue increased by 12%.", tool_calls=(ToolCall(name="note", arguments={"a": 1}),)
        )
        assert case.fork_point.usage == Usage(calls=1, input_tokens=210, output_tokens=14)
        assert case.run.seconds == 4.5
        assert case.run.steps[2].error == RecordedError(type="SMTPError", message="refused")
        assert values.decode(case.run.kwargs["regions"]) == ("north", "south")

    def test_the_smallest_case_has_the_defaults(self) -> None:
        case = load_case(GOLDEN / "case-v1" / "smallest")
        assert (case.trials, case.min_pass_rate, case.variants, case.expect) == (None, None, None, ())
        assert (case.agent, case.scope, case.guard, case.description) == (None, "step", False, "")

    def test_a_case_from_the_future_is_refused_by_name_before_its_keys_are_read(self) -> None:
        message = refusal(GOLDEN / "from-the-future" / "later-case" / "case.yaml")
        assert message.endswith(
            "was written by a newer Refork (format 7; this one reads up to 1): upgrade refork"
        )

    def test_a_run_from_the_future_is_refused_by_name(self) -> None:
        with pytest.raises(BadFileError, match=r"newer Refork \(format 3; this one reads up to 1\)"):
            load_run(GOLDEN / "from-the-future" / "later-case" / "run.json")


class TestRuns:
    full = Run(
        id="run-1",
        workflow="analyse",
        status="ERROR",
        authenticated_roles=("admin",),
        created_at=NOON,
        completed_at=NOON + timedelta(seconds=2.5),
        args=("x", {"b": 1, "a": 2}),
        kwargs={"z": [1], "a": None},
        output={"$type": "tuple", "value": []},
        error=RecordedError(type="ValueError", message="no", value={"args": []}),
        steps=(
            Step(
                number=4,
                name="_model_call_step",
                kind=StepKind.MODEL,
                started_at=NOON,
                usage=Usage(calls=1, input_tokens=2, cached_tokens=1),
                answer=Answer(text="Größe ✓", structured={"a": []}),
                request=Request(
                    tools=(Tool(name="t", parameters={"type": "object"}),), settings={"b": 1, "a": 2}
                ),
            ),
        ),
    )

    def test_a_saved_run_is_read_back_equal(self, tmp_path: Path) -> None:
        assert load_run(save_run(tmp_path, self.full)) == self.full

    def test_the_version_is_first_and_text_is_readable(self, tmp_path: Path) -> None:
        text = save_run(tmp_path, self.full).read_text(encoding="utf-8")
        assert text.startswith('{\n "version": 1,\n')
        assert text.endswith("}\n")
        assert "Größe ✓" in text

    def test_the_order_of_recorded_keys_is_kept_and_that_of_settings_is_sorted(self, tmp_path: Path) -> None:
        run = json.loads(save_run(tmp_path, self.full).read_text(encoding="utf-8"))["run"]
        assert list(run["args"][1]) == ["b", "a"]
        assert list(run["steps"][0]["request"]["settings"]) == ["a", "b"]

    def test_saving_twice_changes_no_byte_and_leaves_no_other_file(self, tmp_path: Path) -> None:
        first = save_run(tmp_path, self.full).read_bytes()
        assert save_run(tmp_path, self.full).read_bytes() == first
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    def test_a_failed_save_keeps_the_file_that_was_there(self, tmp_path: Path) -> None:
        before = save_run(tmp_path, self.full).read_bytes()
        with pytest.raises(ValueNotPortableError, match=r"run 'run-1' holds a value that is not plain JSON"):
            save_run(tmp_path, a_run(Step(number=1, name="s", output=object())))
        assert (tmp_path / "run.json").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    def test_a_folder_that_is_a_file_is_an_error_of_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "c").write_text("")
        with pytest.raises(BadFileError, match="cannot be written"):
            save_run(tmp_path / "c", self.full)

    def test_half_a_surrogate_pair_survives_in_values_and_is_shown_in_texts(self, tmp_path: Path) -> None:
        step = Step(number=1, name="s", output=values.encode("\ud800é"), answer=Answer(text="a\ud800"))
        read = load_run(save_run(tmp_path, a_run(step))).steps[0]
        assert values.decode(read.output) == "\ud800é"
        assert read.answer == Answer(text="a\\ud800")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "damaged or truncated: line 1, column 1: ends too early"),
            ('{"version": 1,\n "ref', "damaged or truncated: line 2"),
            ('{"version": 1, "refork": "0", "run": {"id": "r"', "damaged or truncated"),
            ("[]", "must hold a mapping"),
            ('{"refork": "0"}', "the key 'version' is missing"),
            ('{"version": "1"}', "'version' must be a number"),
            ('{"version": true}', "'version' must be a number"),
            ('{"version": 0}', "format 0 never existed"),
            ('{"version": 1, "version": 1}', "the key 'version' stands twice"),
            ('{"version": NaN}', "NaN is not JSON"),
            ('{"version": 1e999}', "the number 1e999 is too large"),
            ('{"version": ' + "9" * 5000 + "}", "a number of too many digits"),
            ("[" * 100_000, "nested too deeply"),
            ('{"version": 1, "refork": "0", "run": {"id": 3, "workflow": "w", "status": "S"}}', "'run.id'"),
            (
                '{"version": 1, "refork": "0", "run": {"id": "r", "workflow": "w", "status": "", "s": 1}}',
                "unknown key 'run.s'; known: application_name, ",
            ),
            (
                '{"version": 1, "refork": "0", "run": {"id": "r", "workflow": "w", "status": "S", "steps": '
                '[{"number": 1, "name": "a", "usage": {"cals": 1}}]}}',
                "unknown key 'run.steps[0].usage.cals'; did you mean 'calls'?",
            ),
            (
                '{"version": 1, "refork": "0", "run": {"id": "r", "workflow": "w", "status": "S", "steps": '
                '[{"number": 1, "name": "a"}, {"number": 1, "name": "b"}]}}',
                "step 1 stands twice",
            ),
            (
                '{"version": 1, "refork": "0", "run": {"id": "\\ud800", "workflow": "w", "status": "S"}}',
                "half a surrogate pair",
            ),
        ],
    )
    def test_a_damaged_run_is_an_error_of_one_line(self, tmp_path: Path, text: str, said: str) -> None:
        path = tmp_path / "run.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadFileError) as caught:
            load_run(path)
        assert said in str(caught.value)
        assert repr(str(path)) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_bytes_that_are_not_utf_8_are_named_with_their_line(self, tmp_path: Path) -> None:
        (tmp_path / "run.json").write_bytes(b'{\n"a": "\xff"}')
        with pytest.raises(BadFileError, match=r"line 2: byte 0xff is not UTF-8"):
            load_run(tmp_path)

    def test_a_byte_order_mark_is_read_over(self, tmp_path: Path) -> None:
        path = save_run(tmp_path, self.full)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load_run(path) == self.full


class TestFreshCases:
    run = a_run(Step(number=7, name="_model_call_step", kind=StepKind.MODEL, agent="Sales: analyst #1"))

    def test_a_fresh_case_is_read_back_with_the_steps_agent_and_no_expectations(self, tmp_path: Path) -> None:
        folder = tmp_path / "wrong-total"
        save_run(folder, self.run)
        path = save_case_yaml(folder, run=self.run, step=7, description='Says "up": wrong\n# not a comment')
        case = load_case(path)
        assert (case.step, case.agent, case.expect) == (7, "Sales: analyst #1", ())
        assert case.description == 'Says "up": wrong\n# not a comment'

    def test_its_first_lines_are_the_schema_and_the_version(self, tmp_path: Path) -> None:
        lines = save_case_yaml(tmp_path / "c", run=self.run, step=7).read_text().splitlines()
        assert lines[0].startswith("# yaml-language-server: $schema=https://")
        assert lines[1] == "version: 1"

    def test_its_commented_examples_are_read_once_they_replace_the_brackets(self, tmp_path: Path) -> None:
        save_run(tmp_path / "c", self.run)
        path = save_case_yaml(tmp_path / "c", run=self.run, step=7)
        text = path.read_text().replace("expect: []", "").replace("# What an answer must meet.", "expect: #")
        path.write_text(text.replace("#   - ", "  - "))
        scorers = [next(iter(entry)) for entry in load_case(path).expect]
        assert scorers == ["contains", "not_contains", "regex", "tool_called"]

    def test_expectations_under_the_brackets_are_refused_with_a_hint(self, tmp_path: Path) -> None:
        path = a_case(tmp_path / "c", "version: 1\nfork: {step: 1}\nexpect: []\n  - contains: a\n")
        assert "take the [] after `expect:` away" in refusal(path)

    def test_a_case_that_is_there_is_not_written_over(self, tmp_path: Path) -> None:
        path = a_case(tmp_path / "c", "mine")
        with pytest.raises(BadInputError, match="exists already"):
            save_case_yaml(tmp_path / "c", run=self.run, step=7)
        assert path.read_text() == "mine"

    @pytest.mark.parametrize(
        "text", ["on", "0x1f", "null", "~", "- a", "\x85", "a\ud800", "é" * 300, "{{ x }}"]
    )
    def test_any_description_survives(self, tmp_path: Path, text: str) -> None:
        save_run(tmp_path / "c", self.run)
        case = load_case(save_case_yaml(tmp_path / "c", run=self.run, step=7, description=text))
        assert case.description == text.replace("\ud800", "\\ud800")

    @pytest.mark.parametrize("agent", ["on", "0x1f", "null", "~", "- a", "é" * 300, "{{ x }}", 'a "b" #c'])
    def test_any_agent_survives(self, tmp_path: Path, agent: str) -> None:
        save_run(tmp_path / "c", self.run)
        assert load_case(save_case_yaml(tmp_path / "c", run=self.run, step=7, agent=agent)).agent == agent

    def test_an_agent_whose_name_is_a_path_is_written_as_its_folder(self, tmp_path: Path) -> None:
        save_run(tmp_path / "c", self.run)
        path = save_case_yaml(tmp_path / "c", run=self.run, step=7, agent="../Ops")
        assert load_case(path).agent == "ops"

    def test_an_agent_that_is_not_whole_text_is_written_as_its_folder(self, tmp_path: Path) -> None:
        save_run(tmp_path / "c", self.run)
        path = save_case_yaml(tmp_path / "c", run=self.run, step=7, agent="a\ud800b")
        assert load_case(path).agent == "a-b"

    @pytest.mark.parametrize("name", ["..", "a b", ".hidden", "-x", "ü"])
    def test_a_name_that_is_no_name_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(BadInputError, match="cannot name a case"):
            save_case_yaml(tmp_path / "cases" / "x" / name, run=self.run, step=7)

    def test_a_step_that_the_run_does_not_have_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match=r"run 'run-1' has no step 8"):
            save_case_yaml(tmp_path / "c", run=self.run, step=8)


HEAD = "version: 1\nfork:\n  step: 1\n"


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("", "must hold a mapping"),
        ("version: 1\n", "the key 'fork' is missing"),
        (HEAD + "trails: 3\n", "line 4: unknown key 'trails'; did you mean 'trials'?"),
        ("version: 1\nfork:\n  stp: 1\n", "line 3: unknown key 'fork.stp'; did you mean 'step'?"),
        ("version: 1\nfork:\n  step: '1'\n", "line 3: 'fork.step' must be an integer"),
        ("version: 1\nfork:\n  step: true\n", "line 3: 'fork.step' must be an integer"),
        ("version: 1\nfork:\n  step: 1.0\n", "line 3: 'fork.step' must be an integer"),
        ("version: 1\nfork:\n  step: -1\n", "line 3: 'fork.step' must be greater than or equal to 0"),
        ("version: 1\nfork: 1\n", "line 2: 'fork' must be a mapping"),
        (HEAD + "scope: all\n", "line 4: 'scope' must be 'step' or 'tail', and is 'all'"),
        (HEAD + "trials: 0\n", "line 4: 'trials' must be 'auto' or a whole number from 1 to 10000, and is 0"),
        (
            HEAD + "trials: 1000000\n",
            "line 4: 'trials' must be 'auto' or a whole number from 1 to 10000, and is 10",
        ),
        (HEAD + "min_pass_rate: 1.5\n", "line 4: 'min_pass_rate' must be less than or equal to 1"),
        (HEAD + "min_pass_rate: .nan\n", "line 4: '.nan' is not a finite number"),
        (HEAD + "guard: yes\n", "line 4: 'guard' must be true or false, and is 'yes'"),
        (HEAD + "variants: [current]\n", "must not list 'current'"),
        (HEAD + "variants: [a, a]\n", "must list every variant once"),
        (HEAD + "variants: [3]\n", "'variants[0]' must be text"),
        (HEAD + "expect: 3\n", "'expect' must be a list"),
        (HEAD + "expect:\n  - contains\n", "as in `- contains: \"12%\"`; entry 1 is 'contains'"),
        (HEAD + "expect:\n  - a: 1\n  - {a: 1, b: 2}\n", "entry 2 is"),
    ],
)
def test_an_invalid_value_is_named_with_its_line(tmp_path: Path, yaml: str, said: str) -> None:
    assert said in refusal(a_case(tmp_path / "case-1", yaml))


def test_a_step_that_is_not_there_is_refused_with_the_nearest_steps(tmp_path: Path) -> None:
    steps = [Step(number=n, name=f"step_{n}", tool=f"tool_{n}", kind=StepKind.TOOL) for n in range(1, 9)]
    path = a_case(tmp_path / "c", "version: 1\nfork:\n  step: 12\n", a_run(*steps))
    assert (
        "line 3: 'fork.step' is 12, which is not a step of run.json; the nearest are: 6 (tool_6), 7 (tool_7)"
        in (refusal(path))
    )


def test_a_case_without_its_run_says_so(tmp_path: Path) -> None:
    path = a_case(tmp_path / "c", HEAD)
    (tmp_path / "c" / "run.json").unlink()
    assert "run.json' does not exist" in refusal(path)


def test_the_agent_is_the_steps_own_where_the_file_names_none(tmp_path: Path) -> None:
    run = a_run(Step(number=1, name="s", kind=StepKind.MODEL, agent="Analyst"))
    assert load_case(a_case(tmp_path / "c", HEAD, run)).agent == "Analyst"


def test_a_thousand_steps_of_large_outputs_are_read_back(tmp_path: Path) -> None:
    output = values.encode({"rows": "x" * 20_000})
    run = a_run(*(Step(number=n, name="s", output=output) for n in range(1000)))
    assert load_run(save_run(tmp_path, run)) == run


def test_every_error_is_one_that_the_user_is_meant_to_see(tmp_path: Path) -> None:
    with pytest.raises(ReforkError, match="does not exist"):
        load_case(tmp_path / "nowhere" / "case.yaml")

"""What comes in a pull request executes nothing, reads nothing outside its folder, and cannot fill memory."""

from pathlib import Path

import pytest
from refork.case_files.case_file import load_case
from refork.case_files.run_file import load_run, save_run
from refork.errors import BadFileError
from refork.prompts.candidates import find_variants, load_variants
from refork.records import Case, Run, Step

RUN = Run(id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s", agent="a"),))
HEAD = "version: 1\nfork: {step: 1}\n"


def a_case(folder: Path, yaml: str = HEAD) -> Path:
    save_run(folder, RUN)
    (folder / "case.yaml").write_text(yaml)
    return folder / "case.yaml"


@pytest.mark.parametrize("file", ["case.yaml", "run.json"])
def test_a_file_that_is_a_symlink_out_of_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    outside = a_case(tmp_path / "outside").parent / file
    path = a_case(tmp_path / "inside")
    (path.parent / file).unlink()
    (path.parent / file).symlink_to(outside)
    with pytest.raises(BadFileError, match=rf"{file}' is a symlink that leads out of"):
        load_case(path)


def test_a_symlink_inside_the_folder_is_fine(tmp_path: Path) -> None:
    path = a_case(tmp_path / "c")
    (path.parent / "run.json").rename(path.parent / "first.json")
    (path.parent / "run.json").symlink_to("first.json")
    assert load_case(path).run == RUN


def test_a_case_folder_that_is_a_symlink_out_of_the_cases_is_refused(tmp_path: Path) -> None:
    a_case(tmp_path / "elsewhere" / "c")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "c").symlink_to(tmp_path / "elsewhere" / "c")
    with pytest.raises(BadFileError, match="symlink that leads out of"):
        load_case(tmp_path / "cases" / "c" / "case.yaml")


def test_a_symlink_to_itself_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "run.json").symlink_to("run.json")
    with pytest.raises(BadFileError, match=r"run\.json"):
        load_run(tmp_path / "run.json")


@pytest.mark.parametrize("name", ["a b", "-x", ".x", "x\ny", "ü"])
def test_a_folder_that_cannot_name_a_case_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFileError, match="cannot name a case"):
        load_case(a_case(tmp_path / name))


@pytest.mark.parametrize("name", ["../../x", "..", ".", "a/b", "a\\\\b", "a\\0b", "/etc", ""])
@pytest.mark.parametrize("line", ['fork: {{step: 1, agent: "{}"}}', 'fork: {{step: 1}}\nvariants: ["{}"]'])
def test_an_agent_or_a_variant_that_is_a_path_is_refused(tmp_path: Path, name: str, line: str) -> None:
    with pytest.raises(BadFileError, match=r"a path, and is|not paths"):
        load_case(a_case(tmp_path / "c", f"version: 1\n{line.format(name)}\n"))


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        (
            "description: !!python/object/apply:os.system [touch pwned]\n",
            "line 3: the tag .*python/object/apply",
        ),
        ("description: !!python/name:os.system ''\n", "line 3: the tag"),
        ("description: !mine 3\n", "line 3: the tag '!mine' is refused"),
        ("description: !!binary aGk=\n", "line 3: the tag"),
        ("description: !!set {a}\n", "line 3: the tag"),
        ("description: !!int x\n", "line 3: 'x' is not an integer"),
        ("description: !!bool x\n", "line 3: 'x' is not true or false"),
        ("description: &a x\n", "line 3: anchors and aliases are refused"),
        ("expect: &a [*a]\n", "line 3: anchors and aliases are refused"),
        ("description: *nowhere\n", "line 3: anchors and aliases are refused"),
        ("guard: true\nguard: false\n", "line 4: the key 'guard' stands twice"),
        ("expect: [{a: {b: 1, b: 2}}]\n", "line 3: the key 'b' stands twice"),
        ("<<: {guard: true}\n", "line 3: unknown key '<<'"),
        ("1: x\n", "line 3: a key must be text"),
        ("? [a]\n: x\n", "line 3: a key must be text"),
        ("expect: " + "[" * 5000 + "\n", "line 3: is nested deeper than 60 levels"),
        ("expect: " + "{a: " * 5000 + "\n", "line 3: is nested deeper than 60 levels"),
        ("---\nversion: 1\n", "line 3: .*another document"),
        ('description: "\\ud800"\n', "half a surrogate pair"),
        ('description: "\\UFFFFFFFF"\n', "is not YAML"),
        ("description: \x00\n", "line 3: special characters are not allowed"),
    ],
)
def test_yaml_that_is_more_than_plain_data_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yaml: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFileError, match=said):
        load_case(a_case(tmp_path / "c", HEAD + yaml))
    assert not (tmp_path / "pwned").exists()


def test_a_bomb_of_aliases_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(BadFileError, match="line 3: anchors and aliases are refused"):
        load_case(a_case(tmp_path / "c", HEAD + "\n".join(lines)))


def test_a_case_file_of_more_than_a_megabyte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="larger than 1 MB"):
        load_case(a_case(tmp_path / "c", HEAD + "#" * 1_000_001))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("2024-01-02", "2024-01-02"),
        ("1_000", "1_000"),
        ("~", None),
        ("", None),
        ("TRUE", True),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-12", -12),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("'12'", "12"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_has_them(tmp_path: Path, written: str, meant: object) -> None:
    (entry,) = load_case(a_case(tmp_path / "c", f"{HEAD}expect:\n  - value: {written}\n")).expect
    assert entry == {"value": meant}
    assert type(entry["value"]) is type(meant)


class TestPrompts:
    def test_a_prompt_that_is_a_symlink_out_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("key")
        (tmp_path / "prompts" / "a").mkdir(parents=True)
        (tmp_path / "prompts" / "a" / "x.md").symlink_to(tmp_path / "secret")
        with pytest.raises(BadFileError, match="symlink that leads out of"):
            load_variants(tmp_path / "prompts", "a")

    def test_an_agents_folder_that_is_a_symlink_out_of_the_prompts_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "prompts").mkdir()
        (tmp_path / "prompts" / "a").symlink_to(tmp_path / "home")
        with pytest.raises(BadFileError, match="symlink that leads out of"):
            load_variants(tmp_path / "prompts", "a")

    def test_an_agent_named_like_a_path_stays_inside_the_prompts(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "v.md").write_text("out")
        case = Case(name="c", folder=tmp_path, run=RUN, step=1, agent="../x")
        (tmp_path / "prompts").mkdir()
        assert find_variants(case, tmp_path / "prompts") == ()

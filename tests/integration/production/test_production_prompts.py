"""``refork.prompt`` in production: where prompts are found, what they may hold, and what a call costs."""

import subprocess
import sys
import timeit
from collections.abc import Generator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import refork
from refork.errors import BadFileError, BadInputError, TemplateError
from refork.production import hooks
from refork.records.usage import Usage
from refork.records.variant import Variant
from support.project import Project

HELLO = "Hello {{ name }}.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """The current folder, in which nothing is configured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REFORK_APP_PROMPTS", raising=False)
    refork.configure()
    yield tmp_path
    refork.configure()


def put(folder: Path, text: str = HELLO, name: str = "greet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.md"
    file.write_text(text)
    return file


def test_a_prompt_of_the_current_folder_is_rendered_without_its_last_line_break(folder: Path) -> None:
    put(folder / "prompts")
    assert refork.prompt("greet", name="you") == "Hello you."
    assert type(refork.prompt("greet", name="you")) is str


def test_values_of_every_kind_are_printed_as_python_prints_them(folder: Path) -> None:
    put(folder / "prompts", "{{ rows }} {{ price }} {{ rows | tojson }} {{ none }}")
    text = refork.prompt("greet", rows=[{"a": "é"}], price=Decimal("9.90"), none=None)
    assert text == "[{'a': 'é'}] 9.90 [{\"a\": \"é\"}] None"


def test_the_configured_folder_comes_before_all_others(folder: Path) -> None:
    put(folder / "prompts", "no")
    put(folder / "elsewhere", "yes")
    assert refork.prompt("greet") == "no"
    refork.configure(prompts=folder / "elsewhere")
    assert refork.prompt("greet") == "yes"


def test_the_project_and_the_environment_name_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "prompts", "no")
    put(folder / "texts", "from the project")
    put(folder / "others", "from the environment")
    (folder / "pyproject.toml").write_text('[tool.refork]\napp_prompts = "texts"\n')
    assert refork.prompt("greet") == "from the project"
    monkeypatch.setenv("REFORK_APP_PROMPTS", str(folder / "others"))
    refork.configure()
    assert refork.prompt("greet") == "from the environment"


def test_an_installed_package_finds_its_own_prompts_from_wherever_it_runs(tmp_path: Path) -> None:
    module = "import refork\n\ndef greet():\n    return refork.prompt('greet', name='you')\n"
    files = {
        "site/shop/__init__.py": "",
        "site/shop/agents/__init__.py": "",
        "site/shop/agents/desk.py": module,
        "site/shop/near/__init__.py": module,
        "site/shop/prompts/greet.md": HELLO,
        "site/shop/near/prompts/greet.md": "Nearer: {{ name }}.\n",
        "site/prompts/greet.md": "Not of the package.",
        "site/alone.py": module,
        "here/readme": "",
    }
    Project().with_files(files).write(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import alone, shop.agents.desk, shop.near\n"
        "print(shop.agents.desk.greet(), shop.near.greet(), alone.greet(), sep='|')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "here", capture_output=True, text=True, check=False
    )
    assert done.stdout == "Hello you.|Nearer: you.|Not of the package.\n", done.stderr


def test_a_missing_prompt_names_the_folders_that_were_searched(folder: Path) -> None:
    with pytest.raises(
        BadFileError, match=r"there is no prompt 'greet.md' in .*prompts'.*configure\(prompts"
    ):
        refork.prompt("greet")


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".hidden"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(BadInputError, match="cannot name a prompt"):
        refork.prompt(name)


def test_front_matter_is_refused_since_nobody_would_read_it(folder: Path) -> None:
    put(folder / "prompts", "---\nmodel: large\n---\nHello")
    with pytest.raises(BadFileError, match=r"greet.md', line 1: .* no front matter"):
        refork.prompt("greet")


def test_the_error_of_a_missing_variable_names_its_line_and_the_given_variables(folder: Path) -> None:
    put(folder / "prompts", "One\n{{ nme }}")
    with pytest.raises(TemplateError, match=r"greet.md', line 2: 'nme' is undefined; it was given 'name'"):
        refork.prompt("greet", name="you")


def test_the_error_of_a_template_that_does_not_parse_names_its_line(folder: Path) -> None:
    put(folder / "prompts", "One\n{% if %}")
    with pytest.raises(TemplateError, match=r"greet.md', line 2: "):
        refork.prompt("greet")


def test_a_template_reaches_no_python(folder: Path) -> None:
    put(folder / "prompts", "{{ name.__class__.__mro__ }}")
    with pytest.raises(TemplateError):
        refork.prompt("greet", name="you")


def test_each_rendering_has_the_whole_budget(folder: Path) -> None:
    put(folder / "prompts", "{% for each in range(9000) %}{{ text }}{% endfor %}")
    for _ in range(40):
        assert len(refork.prompt("greet", text="x" * 50)) == 450_000


def test_a_warm_call_reads_no_file_and_renders_nothing_anew(folder: Path) -> None:
    put(folder / "prompts")
    best = min(timeit.repeat(lambda: refork.prompt("greet", name="you"), number=2000, repeat=5)) / 2000
    assert best < 200e-6  # 8 on a quiet machine; reading the file alone would take more


class Trying:
    """An evaluation that tries one candidate."""

    def __init__(self, candidate: Variant) -> None:
        self.candidate = candidate
        self.seen: list[tuple[str, str, Mapping[str, Any]]] = []

    def variant(self, name: str) -> Variant | None:
        return self.candidate if name == "greet" else None

    def rendered(self, name: str, text: str, variables: Mapping[str, Any]) -> None:
        self.seen.append((name, text, variables))

    def used(self, usage: Usage, model: str | None) -> None:
        raise AssertionError("no usage is reported")


def test_a_candidate_has_the_baseline_and_the_same_variables(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "prompts")
    put(folder / "prompts", name="other")
    trying = Trying(Variant(name="loud", template="{{ baseline | upper }} {{ name }}, {{ agent }}!"))
    monkeypatch.setattr(hooks, "evaluation", trying)
    assert refork.prompt("greet", name="you") == "HELLO YOU. you, greet!"
    assert refork.prompt("other", name="you") == "Hello you."
    assert trying.seen == [
        ("greet", "HELLO YOU. you, greet!", {"name": "you"}),
        ("other", "Hello you.", {"name": "you"}),
    ]


def test_a_candidates_model_is_for_the_request_and_not_for_the_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "prompts")
    monkeypatch.setattr(hooks, "evaluation", Trying(Variant(name="big", template="Hi", model="large")))
    assert refork.prompt("greet", name="you") == "Hi"


def test_baseline_names_no_variable(folder: Path) -> None:
    put(folder / "prompts")
    with pytest.raises(BadInputError, match="'baseline'"):
        refork.prompt("greet", baseline="x")

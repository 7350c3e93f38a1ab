"""Whatever bytes a file holds, reading it gives a value or a ReforkError of one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refork.case_files.case_file import load_case
from refork.case_files.run_file import load_run, save_run
from refork.config import load_config
from refork.errors import ReforkError
from refork.prompts.candidates import load_variants, render
from refork.records import Request, Run, Step

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
GOLDEN = Path(__file__).parents[1] / "golden" / "case-v1" / "misleading-summary"
RUN_KEYS = [
    "id",
    "workflow",
    "status",
    "steps",
    "args",
    "kwargs",
    "error",
    "created_at",
    "number",
    "name",
    "usage",
]
CASE_KEYS = [
    "version",
    "fork",
    "step",
    "agent",
    "scope",
    "trials",
    "min_pass_rate",
    "variants",
    "guard",
    "expect",
]
YAML_PIECES = [
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a",
    "*a",
    "!!int",
    "!x",
    '"',
    "'",
    "|",
    ">",
    "#",
    "---",
    "%YAML",
    "?",
    "\t",
    "1",
    "true",
    "~",
    "\\u",
    "\x85",
    ".inf",
    "0x",
    *CASE_KEYS,
]
JINJA_PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    " baseline ",
    " agent ",
    "|",
    "for x in ",
    "endfor",
    "if ",
    "endif",
    "set ",
    "=",
    "range(9)",
    "'a'",
    "9",
    "*",
    "**",
    "~",
    "(",
    ")",
    "[",
    "]",
    ".",
    "upper",
    "join",
    "__class__",
    "include",
    "macro f()",
    "endmacro",
    "\n",
    "---\n",
    "model: x\n",
    "{#",
    "#}",
    "raw",
    "block b",
]


def mixed(pieces: list[str]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(pieces) | st.text(max_size=4), max_size=30).map(
        lambda parts: "".join(parts).encode("utf-8", "replace")
    )


def damaged(original: bytes) -> st.SearchStrategy[bytes]:
    """``original``, cut short or with a few bytes replaced."""
    places = st.integers(0, len(original) - 1)
    cut = places.map(lambda end: original[:end])

    def replaced(start: int, length: int, new: bytes) -> bytes:
        return original[:start] + new + original[start + length :]

    return cut | st.builds(replaced, places, st.integers(0, 8), st.binary(max_size=8))


def documents(keys: list[str]) -> st.SearchStrategy[bytes]:
    """Valid JSON (and so YAML) of the format's own keys with any values."""
    values = st.recursive(
        JSON,
        lambda inner: st.dictionaries(st.sampled_from(keys), inner) | st.lists(inner, max_size=3),
        max_leaves=6,
    )
    documents = st.dictionaries(st.sampled_from(keys), values).map(lambda data: {"version": 1, **data})
    runs = documents.map(lambda run: {"version": 1, "refork": "0", "run": run})
    return (documents | runs).map(lambda data: json.dumps(data).encode())


def value_or_error(read: Callable[[], Any]) -> None:
    problem = "none"
    try:
        read()
    except ReforkError as error:
        problem = str(error)
    assert problem
    assert "\n" not in problem


anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@anything
@given(data=st.binary() | damaged((GOLDEN / "run.json").read_bytes()) | documents(RUN_KEYS))
def test_any_bytes_as_run_json_give_a_run_or_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "run.json").write_bytes(data)
    value_or_error(lambda: load_run(tmp_path))


@anything
@given(
    data=st.binary()
    | damaged((GOLDEN / "case.yaml").read_bytes())
    | documents(CASE_KEYS)
    | mixed(YAML_PIECES)
)
def test_any_bytes_as_case_yaml_give_a_case_or_an_error(tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "c"
    save_run(folder, Run(id="r", workflow="w", status="SUCCESS", steps=(Step(number=1, name="s"),)))
    (folder / "case.yaml").write_bytes(data)
    value_or_error(lambda: load_case(folder))


@anything
@given(
    data=st.binary()
    | mixed(JINJA_PIECES)
    | mixed(YAML_PIECES).map(lambda yaml: b"---\n" + yaml + b"\n---\nhello")
)
def test_any_bytes_as_a_prompt_give_a_prompt_or_an_error(tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "prompts" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "v.md").write_bytes(data)

    def read() -> None:
        (variant,) = load_variants(tmp_path / "prompts", "a")
        assert isinstance(render(variant, baseline="Be brief.", request=Request(agent="a")), str)

    value_or_error(read)


@anything
@given(
    data=st.binary()
    | damaged(b'[tool.refork]\napp = "a.b"\ntrials = 3\nalpha = 0.1\ncases = "evals/cases"\n')
    | mixed(
        ["[tool.refork]\n", "[", "]", "=", "\n", '"', "'", "app", "trials", "cases", "nan", "1", ".", "../x"]
    )
)
def test_any_bytes_as_pyproject_give_a_configuration_or_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    value_or_error(lambda: load_config(tmp_path, environ={}))


@pytest.mark.parametrize(
    "key", ["app", "setup", "cases", "prompts", "trials", "alpha", "db", "report", "retries"]
)
@anything
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_in_an_environment_variable_gives_a_configuration_or_an_error(
    tmp_path: Path, key: str, text: str
) -> None:
    value_or_error(lambda: load_config(tmp_path, environ={f"REFORK_{key.upper()}": text}))

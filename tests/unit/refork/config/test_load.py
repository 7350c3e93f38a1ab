"""The command line wins, then the environment, then pyproject.toml, then the default."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from refork.config import Config, load_config
from refork.errors import BadFileError, BadInputError


def project(folder: Path, *lines: str, environ: Mapping[str, str] | None = None, **options: Any) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text("\n".join(["[tool.refork]", *lines]) + "\n", encoding="utf-8")
    return load_config(folder, overrides=options, environ=environ or {})


def test_a_project_that_sets_nothing_has_the_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path, environ={})
    assert config == Config(
        root=tmp_path,
        file=config.file,
        app=(),
        setup=None,
        cases=tmp_path / "evals" / "cases",
        prompts=tmp_path / "evals" / "prompts",
        variants=None,
        trials="auto",
        min_trials=5,
        max_trials=60,
        baseline_trials=30,
        baseline=tmp_path / "evals" / "baseline.json",
        smallest_drop=0.45,
        min_pass_rate=None,
        answers="reuse",
        inconclusive="warn",
        errors="fail",
        changed="fail",
        max_tokens=None,
        max_cost=None,
        concurrency=8,
        db=None,
        report=tmp_path / "reports" / "agent-evals",
        history=tmp_path / "reports" / "agent-evals" / "history.jsonl",
        alpha=0.05,
        replay_timeout=30.0,
        trial_timeout=120.0,
        tail_timeout=600.0,
        retries=5,
    )


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (['report = "out"'], "out/history.jsonl"),
        (['history = "evals/history.jsonl"'], "evals/history.jsonl"),
        (['history = "off"'], None),
    ],
)
def test_the_history_is_beside_the_report_where_the_project_says_or_off(
    tmp_path: Path, lines: list[str], place: str | None
) -> None:
    assert project(tmp_path, *lines).history == (None if place is None else tmp_path / place)


def test_the_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load_config(tmp_path, environ={})
    with pytest.raises(FrozenInstanceError):
        config.trials = 3  # type: ignore[misc]


def test_every_key_is_read_from_the_file(tmp_path: Path) -> None:
    config = project(
        tmp_path,
        'app = ["a.b", "c"]',
        'setup = "a.evals:setup"',
        'cases = "c"',
        'prompts = "p"',
        "trials = 3",
        "min_pass_rate = 0.5",
        "concurrency = 2",
        'db = "postgres"',
        'report = "/r"',
        "alpha = 0.01",
        "replay_timeout = 5",
        "trial_timeout = 6.5",
        "retries = 0",
    )
    assert (config.app, config.setup) == (("a.b", "c"), "a.evals:setup")
    assert (config.cases, config.prompts, config.report) == (tmp_path / "c", tmp_path / "p", Path("/r"))
    assert (config.trials, config.min_pass_rate, config.concurrency, config.db) == (3, 0.5, 2, "postgres")
    assert (config.alpha, config.replay_timeout, config.trial_timeout, config.retries) == (0.01, 5.0, 6.5, 0)


@pytest.mark.parametrize(
    ("file", "environ", "option", "trials"),
    [
        ((), {}, None, "auto"),
        (("trials = 3",), {}, None, 3),
        (("trials = 3",), {"REFORK_TRIALS": "4"}, None, 4),
        (("trials = 3",), {"REFORK_TRIALS": "4"}, 5, 5),
        (("trials = 3",), {"REFORK_TRIALS": " "}, None, 3),
        (("trials = 3",), {"TRIALS": "4", "REFORK_TEST_POSTGRES_URL": "x"}, None, 3),
    ],
)
def test_the_nearest_source_wins(
    tmp_path: Path, file: tuple[str, ...], environ: dict[str, str], option: int | None, trials: int
) -> None:
    assert project(tmp_path, *file, environ=environ, trials=option).trials == trials


def test_one_module_can_be_written_as_text_everywhere(tmp_path: Path) -> None:
    assert project(tmp_path, 'app = "a.b"').app == ("a.b",)
    assert project(tmp_path, environ={"REFORK_APP": "a.b, c"}).app == ("a.b", "c")
    assert project(tmp_path, app="a").app == ("a",)
    assert project(tmp_path, app=("a", "b")).app == ("a", "b")


def test_steps_that_ask_a_model_are_named(tmp_path: Path) -> None:
    assert project(tmp_path).models == ()
    assert project(tmp_path, 'models = ["extract", "summarize_*"]').models == ("extract", "summarize_*")
    assert project(tmp_path, environ={"REFORK_MODELS": "extract, Shop.ask"}).models == ("extract", "Shop.ask")
    with pytest.raises(BadFileError, match="must be a list of steps that ask a model"):
        project(tmp_path, "models = 3")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False)])
def test_yes_and_no_are_read_from_text(text: str, value: bool, tmp_path: Path) -> None:
    assert project(tmp_path, environ={"REFORK_FROZEN_CLOCK": text}).frozen_clock is value


def test_a_value_that_is_neither_true_nor_false_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="'REFORK_FROZEN_CLOCK' must be true or false"):
        project(tmp_path, environ={"REFORK_FROZEN_CLOCK": "often"})


def test_numbers_are_read_from_text_of_the_environment_and_the_command_line(tmp_path: Path) -> None:
    config = project(tmp_path, environ={"REFORK_ALPHA": "0.1", "REFORK_RETRIES": "2"}, concurrency="3")
    assert (config.alpha, config.retries, config.concurrency) == (0.1, 2, 3)


def test_the_nearest_pyproject_above_is_the_project(tmp_path: Path) -> None:
    project(tmp_path, "trials = 3")
    inner = project(tmp_path / "packages" / "one", "trials = 4")
    assert inner.trials == 4
    (tmp_path / "packages" / "two").mkdir()
    config = load_config(tmp_path / "packages" / "two", environ={})
    assert (config.trials, config.root, config.file) == (3, tmp_path, tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("trails = 5", "unknown key 'tool.refork.trails'; did you mean 'trials'?"),
        ("x = 5", "unknown key 'tool.refork.x'; known: alpha, answers, app, "),
        ("trials = '5'", "'tool.refork.trials' must be 'auto' or a whole number from 1 to 10000, and is '5'"),
        (
            "trials = true",
            "'tool.refork.trials' must be 'auto' or a whole number from 1 to 10000, and is True",
        ),
        ("trials = 0", "'tool.refork.trials' must be 'auto' or a whole number from 1 to 10000, and is 0"),
        ("min_pass_rate = 80", "'tool.refork.min_pass_rate' must be less than or equal to 1, and is 80"),
        ("alpha = nan", "'tool.refork.alpha' must be a finite number"),
        ("replay_timeout = 0", "'tool.refork.replay_timeout' must be greater than 0"),
        (
            "app = 3",
            "'tool.refork.app' must be a module, or a list of modules, such as 'myapp.agent', and is 3",
        ),
        ("app = ['a', 'b-c']", "such as 'myapp.agent', and is 'b-c'"),
        (
            "setup = 'a.b'",
            "'tool.refork.setup' must be a function, such as 'myapp.evals:setup', and is 'a.b'",
        ),
        ("cases = '../cases'", "'tool.refork.cases' must lie inside the project"),
        ("prompts = '/etc'", "'tool.refork.prompts' must lie inside the project"),
        ("trials = ", "is not TOML: Invalid value (at line 2, column 10)"),
    ],
)
def test_a_bad_key_of_the_file_is_named_with_the_file(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadFileError) as caught:
        project(tmp_path, line)
    assert said in str(caught.value)
    assert repr(str(tmp_path / "pyproject.toml")) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"^environment variable 'REFORK_TRIALS' must be 'auto' or a whole number"
    ):
        project(tmp_path, "trials = 3", environ={"REFORK_TRIALS": "x"})


@pytest.mark.parametrize(
    ("prefix", "option"), [("--agent-evals-", "--agent-evals-trial-timeout"), ("--", "--trial-timeout")]
)
def test_a_bad_option_is_named_as_it_was_given(tmp_path: Path, prefix: str, option: str) -> None:
    with pytest.raises(BadInputError, match=rf"^option '{option}' must be greater than 0, and is -1"):
        load_config(tmp_path, overrides={"trial_timeout": -1.0}, environ={}, option_prefix=prefix)


def test_the_source_that_wins_is_the_one_that_is_blamed(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"^option '--agent-evals-trials'"):
        project(tmp_path, "trials = 0", environ={"REFORK_TRIALS": "0"}, trials=0)


def test_a_folder_of_cases_that_is_a_symlink_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project" / "evals").mkdir(parents=True)
    (tmp_path / "project" / "evals" / "cases").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInputError, match="the default of 'cases' must lie inside the project"):
        project(tmp_path / "project")


@pytest.mark.parametrize("text", ["tool = 1\n", "[tool]\nrefork = 1\n"])
def test_a_table_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(BadFileError, match="must be a table, as in"):
        load_config(tmp_path, environ={})

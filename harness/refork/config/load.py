"""Combines the settings of a project's file, the environment and the command line into one frozen value."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from refork.config.command_line import OPTION_PREFIX, from_options
from refork.config.environment import from_environment
from refork.config.given import TEXT_KEYS, Given
from refork.config.prices import project_prices
from refork.config.pyproject import from_file, nearest_file
from refork.config.settings import EXPECTED, HISTORY_OFF, Config, ProjectSettings
from refork.errors import BadFileError, BadInputError
from refork.records.prices import use_prices
from refork.storage.validation import explain
from refork.text.lines import one_line
from refork.tool_policy.rule_files import project_rules


def load_config(
    root: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    option_prefix: str = OPTION_PREFIX,
) -> Config:
    """Return the configuration of the project that contains ``root``.

    ``overrides`` holds what the command line gave, by key, None where it gave nothing; it wins over
    ``environ`` (default: the process's), that over pyproject.toml, and that over the defaults. BadInputError
    names the option, the variable, or the file and key that held a bad value. The project's prices become those
    of this process.
    """
    file = nearest_file(root)
    given = {
        **from_file(file),
        **from_environment(os.environ if environ is None else environ),
        **from_options(overrides or {}, option_prefix),
    }
    settings = _validated(given)
    home = (root if file is None else file.parent).absolute()
    prices = project_prices(settings.prices)
    use_prices(prices)
    values = {
        key: getattr(settings, key)
        for key in TEXT_KEYS
        - {"app", "baseline", "cases", "history", "models", "prompts", "report", "variants"}
    }
    return Config(
        root=home,
        file=file,
        app=tuple(settings.app),
        cases=_inside(home, "cases", settings, given),
        prompts=_inside(home, "prompts", settings, given),
        report=home / settings.report,
        history=_history(home, settings),
        baseline=_inside(home, "baseline", settings, given),
        variants=None if settings.variants is None else tuple(settings.variants),
        models=tuple(settings.models),
        tools=project_rules(settings.tools),
        prices=prices,
        **values,
    )


def _history(home: Path, settings: ProjectSettings) -> Path | None:
    """The file of the history: beside the report unless the project names one."""
    if settings.history == HISTORY_OFF:
        return None
    return home / (settings.history or Path(settings.report) / "history.jsonl")


def _validated(given: Mapping[str, Given]) -> ProjectSettings:
    try:
        return ProjectSettings.model_validate({key: item.value for key, item in given.items()})
    except ValidationError as error:
        key = str(error.errors(include_url=False)[0]["loc"][0])
        raise _bad(given[key], _problem(error, key)) from error


def _problem(error: ValidationError, key: str) -> str:
    finding = explain(error, schema=ProjectSettings.model_json_schema)
    said = finding.partition("' ")[2] or finding
    if key not in EXPECTED:
        return said
    return f"{EXPECTED[key]}, and is {said.rpartition(', and is ')[2]}"


def _bad(given: Given, problem: str) -> BadInputError:
    kind = BadFileError if given.source.startswith(("'", '"')) else BadInputError
    return kind(f"{given.source} {problem}")


def _inside(home: Path, key: str, settings: ProjectSettings, given: Mapping[str, Given]) -> Path:
    folder = home / str(getattr(settings, key))
    source = given.get(key, Given(value=None, source=f"the default of {key!r}"))
    try:
        inside = Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(home))
    except (OSError, ValueError) as error:  # a null byte, a loop of symlinks
        raise _bad(source, f"is not a path: {one_line(str(error))}") from error
    if not inside:
        raise _bad(source, f"must lie inside the project {str(home)!r}, and is {str(folder)!r}")
    return Path(os.path.normpath(folder))

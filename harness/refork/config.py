"""``[tool.refork]`` in pyproject.toml, REFORK_* variables and the command line, in one frozen value."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from refork.case_files.trial_settings import (
    AUTO,
    MAX_TRIALS,
    MIN_TRIALS,
    SMALLEST_DROP,
    Count,
    Drop,
    Rate,
    Trials,
)
from refork.errors import BadFileError, BadInputError
from refork.storage.files import MEGABYTE, read_text
from refork.storage.validation import explain
from refork.text.lines import nearest, one_line
from refork.tool_policy import OnMiss, Rule, ToolPolicy
from refork.tool_policy.rule_files import project_rules

PROJECT_FILE: Final = "pyproject.toml"
ENVIRONMENT_PREFIX: Final = "REFORK_"
OPTION_PREFIX: Final = "--agent-evals-"

_Module = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]
_Function = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")]
_Folder = Annotated[str, StringConstraints(min_length=1)]
_Seconds = Annotated[float, Field(gt=0)]


class _Settings(BaseModel):
    """The keys as they are written. The strictness is on purpose: TOML has numbers and lists of its own."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    app: list[_Module] = []
    setup: _Function | None = None
    serializer: _Function | None = None
    redact: _Function | None = None
    app_prompts: _Folder | None = None
    cases: _Folder = "evals/cases"
    prompts: _Folder = "evals/prompts"
    models: list[Annotated[str, StringConstraints(min_length=1)]] = []
    variants: list[Annotated[str, StringConstraints(min_length=1)]] | None = None
    trials: Trials = AUTO
    min_trials: Count = MIN_TRIALS
    max_trials: Count = MAX_TRIALS
    baseline_trials: Count = 30
    baseline: _Folder = "evals/baseline.json"
    smallest_drop: Drop = SMALLEST_DROP
    min_pass_rate: Rate | None = None
    answers: Literal["reuse", "offline", "live", "refresh"] = "reuse"
    frozen_clock: bool = False
    tracing: bool = False
    inconclusive: Literal["fail", "pass", "warn"] = "warn"
    errors: Literal["fail", "warn"] = "fail"
    changed: Literal["fail", "warn"] = "fail"
    unfinished: Literal["fail", "error"] = "fail"
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    db: Annotated[str, StringConstraints(min_length=1)] | None = None
    report: _Folder = "reports/agent-evals"
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    replay_timeout: _Seconds = 30.0
    trial_timeout: _Seconds = 120.0
    tail_timeout: _Seconds = 600.0
    retries: Annotated[int, Field(ge=0, le=100)] = 5
    on_miss: Literal["deny", "tell"] | None = None
    tools: dict[str, Any] = {}

    @field_validator("tools")
    @classmethod
    def _readable(cls, tools: dict[str, Any]) -> dict[str, Any]:
        try:
            project_rules(tools)
        except BadInputError as error:
            raise ValueError(str(error)) from None
        return tools


_KEYS: Final = frozenset(_Settings.model_fields)
_TABLES: Final = frozenset({"tools"})
"""Keys that are tables, which no text can hold."""
_FILE_ONLY: Final = frozenset({"redact", "serializer"})
"""What only pyproject.toml grants: no variable or option decides which secrets are written."""
_LISTS: Final = ("app", "models", "variants")
"""Keys of several names, which text separates by commas."""
_NUMBERS: Final = {"max_cost": float, "max_tokens": int, "min_pass_rate": float, "trials": int}
"""Keys whose default does not say what they are."""
_EXPECTED: Final = {
    "app": "must be a module, or a list of modules, such as 'myapp.agent'",
    "setup": "must be a function, such as 'myapp.evals:setup'",
    "serializer": "must be a DBOS serializer, such as 'myapp.db:serializer'",
    "redact": "must be a function, such as 'myapp.evals:redact'",
    "models": "must be a list of steps that ask a model, such as ['extract', 'summarize_*']",
    "variants": "must be a list of candidates, such as ['careful', 'terse']",
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a project has set. Folders are absolute; ``cases`` and ``prompts`` lie inside ``root``.

    ``root`` is the folder of the nearest pyproject.toml, ``file``, or where the search began if there is
    none. ``trials`` is a number or ``auto``, ``min_pass_rate`` None where none is set, ``max_cost`` in US dollars.
    ``app`` are the modules that register the workflows, ``setup`` the function that is called once before a fork,
    ``serializer`` the application's own for DBOS, ``redact`` the function that takes out of a text what must not be
    captured, ``models`` steps that ask a model, by name or pattern, ``variants`` the only candidates to try
    (None: every one), ``baseline`` a file, ``db`` the URL of the evals database, None for the default one,
    ``app_prompts`` the folder of the application's own prompts (:mod:`refork.production.prompts` reads it by
    itself). Time-outs are in seconds, ``retries`` are those of one model call, and ``alpha`` is the error rate of
    verdicts. ``tools`` and ``on_miss`` say what
    tools may do in a rerun (:mod:`refork.tool_policy`).
    """

    root: Path
    file: Path | None
    app: tuple[str, ...]
    setup: str | None
    cases: Path
    prompts: Path
    variants: tuple[str, ...] | None
    trials: int | str
    min_trials: int
    max_trials: int
    baseline_trials: int
    baseline: Path
    smallest_drop: float
    min_pass_rate: float | None
    answers: str
    inconclusive: str
    errors: str
    changed: str
    max_tokens: int | None
    max_cost: float | None
    concurrency: int
    db: str | None
    report: Path
    alpha: float
    replay_timeout: float
    trial_timeout: float
    tail_timeout: float
    retries: int
    unfinished: str = "fail"
    serializer: str | None = None
    redact: str | None = None
    app_prompts: str | None = None
    frozen_clock: bool = False
    tracing: bool = False
    on_miss: str | None = None
    models: tuple[str, ...] = ()
    tools: tuple[Rule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A value and, for errors, the place that it came from."""

    value: Any
    source: str


def load_config(
    root: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    option_prefix: str = OPTION_PREFIX,
) -> Config:
    """The configuration of the project that ``root`` lies in.

    ``overrides`` holds what the command line gave, by key, None where it gave nothing; it wins over
    ``environ`` (default: the process's), that over pyproject.toml, and that over the defaults. BadInputError
    names the option, the variable, or the file and key that held a bad value.
    """
    file = _nearest_file(root)
    given = {
        **_from_file(file),
        **_from_environment(os.environ if environ is None else environ),
        **_from_options(overrides or {}, option_prefix),
    }
    settings = _validated(given)
    home = (root if file is None else file.parent).absolute()
    values = {
        key: getattr(settings, key)
        for key in _KEYS - _TABLES - {"app", "baseline", "cases", "models", "prompts", "report", "variants"}
    }
    return Config(
        root=home,
        file=file,
        app=tuple(settings.app),
        cases=_inside(home, "cases", settings, given),
        prompts=_inside(home, "prompts", settings, given),
        report=home / settings.report,
        baseline=_inside(home, "baseline", settings, given),
        variants=None if settings.variants is None else tuple(settings.variants),
        models=tuple(settings.models),
        tools=project_rules(settings.tools),
        **values,
    )


def project_policy(config: Config) -> ToolPolicy:
    """What ``[tool.refork]`` lets tools do in a rerun."""
    on_miss = None if config.on_miss is None else OnMiss(config.on_miss)
    return ToolPolicy(rules=config.tools, on_miss=on_miss)


def _nearest_file(root: Path) -> Path | None:
    start = root.absolute()
    return next(
        (path for folder in (start, *start.parents) if (path := folder / PROJECT_FILE).is_file()), None
    )


def _from_file(file: Path | None) -> dict[str, _Given]:
    if file is None:
        return {}
    table = _table(_table(_parsed(file), "tool", file), "refork", file, "tool.")
    for key in table:
        if key not in _KEYS:
            raise BadFileError(
                f"{str(file)!r}: unknown key {'tool.refork.' + one_line(key)!r}{nearest(key, _KEYS)}"
            )
    return {
        key: _Given(value=_as_list(key, value), source=f"{str(file)!r}: {'tool.refork.' + key!r}")
        for key, value in table.items()
    }


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file, limit=10 * MEGABYTE))
    except RecursionError as error:
        raise BadFileError(f"{str(file)!r} is nested too deeply") from error
    except ValueError as error:
        raise BadFileError(f"{str(file)!r} is not TOML: {one_line(str(error))}") from error


def _table(parent: dict[str, Any], key: str, file: Path, prefix: str = "") -> dict[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise BadFileError(f"{str(file)!r}: {prefix + key!r} must be a table, as in [{prefix}{key}]")
    return table


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    names = {key: ENVIRONMENT_PREFIX + key.upper() for key in _KEYS - _TABLES}
    for key in sorted(_FILE_ONLY):
        if environ.get(names[key], "").strip():
            raise BadInputError(
                f"environment variable {names[key]!r}: only pyproject.toml may say this; "
                f"set {key!r} under [tool.refork] there"
            )
    return {
        key: _Given(value=_from_text(key, environ[name]), source=f"environment variable {name!r}")
        for key, name in names.items()
        if environ.get(name, "").strip()
    }


def _from_options(overrides: Mapping[str, Any], prefix: str) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    for key, value in overrides.items():
        option = prefix + key.replace("_", "-")
        if key not in _KEYS - _TABLES:
            raise BadInputError(f"unknown option {option!r}{nearest(key, _KEYS - _TABLES)}")
        if value is not None:
            read = _from_text(key, value) if isinstance(value, str) else _as_list(key, value)
            given[key] = _Given(value=read, source=f"option {option!r}")
    return given


def _as_list(key: str, value: Any) -> Any:
    if key not in _LISTS or not isinstance(value, str | tuple):
        return str(value) if isinstance(value, Path) else value
    return [value] if isinstance(value, str) else list(value)


def _from_text(key: str, text: str) -> Any:
    """What ``text`` says for ``key``; the text itself where that needs a number and it is none."""
    if key in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    kind = _NUMBERS.get(key) or type(_Settings.model_fields[key].default)
    if kind is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _validated(given: Mapping[str, _Given]) -> _Settings:
    try:
        return _Settings.model_validate({key: item.value for key, item in given.items()})
    except ValidationError as error:
        key = str(error.errors(include_url=False)[0]["loc"][0])
        raise _bad(given[key], _problem(error, key)) from error


def _problem(error: ValidationError, key: str) -> str:
    finding = explain(error, schema=_Settings.model_json_schema)
    said = finding.partition("' ")[2] or finding
    if key not in _EXPECTED:
        return said
    return f"{_EXPECTED[key]}, and is {said.rpartition(', and is ')[2]}"


def _bad(given: _Given, problem: str) -> BadInputError:
    kind = BadFileError if given.source.startswith(("'", '"')) else BadInputError
    return kind(f"{given.source} {problem}")


def _inside(home: Path, key: str, settings: _Settings, given: Mapping[str, _Given]) -> Path:
    folder = home / str(getattr(settings, key))
    source = given.get(key, _Given(value=None, source=f"the default of {key!r}"))
    try:
        inside = Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(home))
    except (OSError, ValueError) as error:  # a null byte, a loop of symlinks
        raise _bad(source, f"is not a path: {one_line(str(error))}") from error
    if not inside:
        raise _bad(source, f"must lie inside the project {str(home)!r}, and is {str(folder)!r}")
    return Path(os.path.normpath(folder))

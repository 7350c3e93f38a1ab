"""All settings of a project: the keys with type and default as they are written, and the frozen value that is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

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
from refork.config.prices import project_prices
from refork.errors import BadInputError
from refork.records.prices import Price
from refork.tool_policy import OnMiss, Rule, ToolPolicy
from refork.tool_policy.rule_files import project_rules

HISTORY_OFF: Final = "off"
"""The value of ``history`` with which none is kept."""

_Module = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]
_Function = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")]
_Folder = Annotated[str, StringConstraints(min_length=1)]
_Seconds = Annotated[float, Field(gt=0)]


class ProjectSettings(BaseModel):
    """The keys as they are written. Types are strict, because TOML has its own numbers and lists."""

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
    confirm: Literal["yes", "no"] = "yes"
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    ask_above: Annotated[float, Field(ge=0)] = 1.0
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    db: Annotated[str, StringConstraints(min_length=1)] | None = None
    report: _Folder = "reports/agent-evals"
    history: _Folder | None = None
    mlflow: Annotated[str, StringConstraints(min_length=1)] | None = None
    mlflow_experiment: Annotated[str, StringConstraints(min_length=1)] | None = None
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    replay_timeout: _Seconds = 30.0
    trial_timeout: _Seconds = 120.0
    tail_timeout: _Seconds = 600.0
    retries: Annotated[int, Field(ge=0, le=100)] = 5
    on_miss: Literal["deny", "tell"] | None = None
    tools: dict[str, Any] = {}
    prices: dict[str, Any] = {}

    @field_validator("tools")
    @classmethod
    def _readable(cls, tools: dict[str, Any]) -> dict[str, Any]:
        try:
            project_rules(tools)
        except BadInputError as error:
            raise ValueError(str(error)) from None
        return tools

    @field_validator("prices")
    @classmethod
    def _readable_prices(cls, prices: dict[str, Any]) -> dict[str, Any]:
        try:
            project_prices(prices)
        except BadInputError as error:
            raise ValueError(str(error)) from None
        return prices


KEYS: Final = frozenset(ProjectSettings.model_fields)
FILE_ONLY: Final = frozenset({"redact", "serializer"})
"""The keys that only pyproject.toml may set, because no variable or option may decide which secrets are written."""
EXPECTED: Final = {
    "app": "must be a module, or a list of modules, such as 'myapp.agent'",
    "setup": "must be a function, such as 'myapp.evals:setup'",
    "serializer": "must be a DBOS serializer, such as 'myapp.db:serializer'",
    "redact": "must be a function, such as 'myapp.evals:redact'",
    "models": "must be a list of steps that ask a model, such as ['extract', 'summarize_*']",
    "history": "must be a file, such as 'evals/history.jsonl', or 'off'",
    "variants": "must be a list of candidates, such as ['careful', 'terse']",
}
"""The words for the expected value of a setting whose type alone does not say what to write."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of a project. Folders are absolute; ``cases`` and ``prompts`` are inside ``root``.

    ``root`` is the folder of the nearest pyproject.toml, ``file``, or where the search began if there is
    none. ``trials`` is a number or ``auto``, ``min_pass_rate`` None where none is set.
    ``max_cost`` and ``ask_above`` are in US dollars.
    ``app`` are the modules that register the workflows, ``setup`` the function that is called once before a fork,
    ``serializer`` the application's own for DBOS, ``redact`` the function that takes out of a text what must not be
    captured, ``models`` steps that ask a model, by name or pattern, ``variants`` the only candidates to try
    (None: every one), ``baseline`` a file, ``db`` the URL of the evals database, None for the default one,
    ``history`` the file that sessions are appended to (None: none is kept), ``app_prompts`` the folder of the
    application's own prompts (:mod:`refork.production.prompts` reads it by itself). Time-outs are in seconds,
    ``retries`` are those of one model call, and ``alpha`` is the error rate of verdicts. ``tools`` and ``on_miss`` say
    what tools may do in a rerun (:mod:`refork.tool_policy`). ``prices`` are the project's own, by model. ``mlflow`` is
    the URI of the tracking server that sessions are logged to, in ``mlflow_experiment`` (None: not, and MLflow's own).
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
    history: Path | None
    alpha: float
    replay_timeout: float
    trial_timeout: float
    tail_timeout: float
    retries: int
    ask_above: float = 1.0
    unfinished: str = "fail"
    confirm: str = "yes"
    serializer: str | None = None
    redact: str | None = None
    app_prompts: str | None = None
    frozen_clock: bool = False
    tracing: bool = False
    on_miss: str | None = None
    models: tuple[str, ...] = ()
    tools: tuple[Rule, ...] = ()
    mlflow: str | None = None
    mlflow_experiment: str | None = None
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])

    @property
    def tool_policy(self) -> ToolPolicy:
        """The tool policy of ``[tool.refork]``: what tools may do in a rerun."""
        on_miss = None if self.on_miss is None else OnMiss(self.on_miss)
        return ToolPolicy(rules=self.tools, on_miss=on_miss)

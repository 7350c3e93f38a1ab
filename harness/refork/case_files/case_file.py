"""The file ``case.yaml``, which ``refork capture`` writes once and the user edits from then on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from refork.case_files.large_values import is_left_out
from refork.case_files.run_file import RUN_FILE, load_run
from refork.case_files.trial_settings import MAX_TRIALS, MIN_TRIALS, SMALLEST_DROP, Count, Drop, Rate, Trials
from refork.errors import BadFileError, BadInputError
from refork.records import Case, Run, Step
from refork.records.variant import RESERVED, prompt_folder
from refork.storage.files import MEGABYTE, read_text, refuse_outside, write_atomically
from refork.storage.format_versions import FileFormat
from refork.storage.validation import explain
from refork.storage.yaml_dump import yaml_block
from refork.storage.yaml_text import YamlDocument, parse_yaml
from refork.text.lines import is_folder_name, is_name, nearest, one_line
from refork.tool_policy.rule_files import case_rules

CASE_FILE: Final = "case.yaml"
CASE_FORMAT: Final = FileFormat(version=1)
SCHEMA_URL: Final = "https://raw.githubusercontent.com/refork/refork/main/docs/schemas/case-v1.json"

_STRICT = ConfigDict(extra="forbid", strict=True)


class ForkSection(BaseModel):
    """The step from which the case runs again."""

    model_config = _STRICT

    step: int = Field(description="The number of a step in run.json (`refork show` lists them).", ge=0)
    agent: str | None = Field(
        default=None,
        description="The agent whose folder of evals/prompts/ holds the candidates. Default: the step's own.",
    )

    @field_validator("agent")
    @classmethod
    def _no_path(cls, agent: str | None) -> str | None:
        if agent is not None and not is_folder_name(agent):
            raise ValueError(f"must name an agent, not a path, and is {agent!r}")
        return agent


class CaseFile(BaseModel):
    """A case of Refork: a recorded run, the step to run again, and what is expected there."""

    model_config = _STRICT

    version: int = Field(description="The version of this format.")
    description: str | None = Field(default=None, description="What went wrong, in a sentence.")
    fork: ForkSection
    scope: Literal["step", "tail"] = Field(
        default="step",
        description="What runs again: only the step itself, or the `tail`, everything from it to the end of the "
        "workflow, under the tool policy.",
    )
    trials: Trials | None = Field(
        default=None,
        description="Reruns of each variant, or `auto`: as many as it takes to decide. Default: `trials` of "
        "[tool.refork], else auto.",
    )
    min_trials: Count | None = Field(
        default=None,
        description=f"With `auto`: the fewest reruns. Default: that of [tool.refork], else {MIN_TRIALS}.",
    )
    max_trials: Count | None = Field(
        default=None,
        description=f"With `auto`: the most reruns. Default: that of [tool.refork], else {MAX_TRIALS}.",
    )
    smallest_drop: Drop | None = Field(
        default=None,
        description="The drop of the pass rate that the gate rules out before it calls a case unchanged. "
        f"Default: that of [tool.refork], else {SMALLEST_DROP}.",
    )
    min_pass_rate: Rate | None = Field(
        default=None,
        description="Share of trials that must pass. Default: `min_pass_rate` of [tool.refork], else 0.7.",
    )
    variants: list[str] | None = Field(
        default=None,
        description="The candidates to try, by file name without .md. Default: all candidates.",
    )
    guard: bool = Field(default=False, description="From a run that went well, which a fix must not break.")
    tools: dict[str, Literal["deny", "replay"]] | None = Field(
        default=None,
        description="Stricter rules for tools and steps, by name or pattern. Only pyproject.toml can allow anything.",
    )
    on_miss: Literal["deny", "tell"] | None = Field(
        default=None,
        description="What happens to a call that was not recorded: `deny` ends the trial, `tell` tells the "
        "model. Default: `on_miss` of [tool.refork], else deny.",
    )
    expect: list[dict[str, Any]] | None = Field(
        default=None, description="What an answer must meet: a list of scorers, all of which must pass."
    )

    @field_validator("variants")
    @classmethod
    def _candidates(cls, variants: list[str] | None) -> list[str] | None:
        for name in variants or []:
            if name in RESERVED:
                raise ValueError(f"must not list {name!r}, which is always there; list candidates only")
            if not is_folder_name(name):
                raise ValueError(f"must list names of variants, not paths, and holds {name!r}")
        if len(set(variants or [])) != len(variants or []):
            raise ValueError("must list every variant once")
        return variants

    @field_validator("tools", mode="before")
    @classmethod
    def _only_tighter(cls, tools: Any) -> Any:
        if isinstance(tools, dict):
            try:
                case_rules(tools)
            except BadInputError as error:
                raise ValueError(str(error)) from None
        return tools

    @field_validator("expect", mode="before")
    @classmethod
    def _one_key_each(cls, expect: Any) -> Any:
        for number, entry in enumerate(expect if isinstance(expect, list) else []):
            if not isinstance(entry, dict) or len(entry) != 1:
                raise ValueError(
                    f'must hold mappings of one key, the scorer\'s name, as in `- contains: "12%"`; '
                    f"entry {number + 1} is {one_line(repr(entry), 60)}"
                )
        return expect


def load_case(path: Path, *, run: Run | None = None) -> Case:
    """Load the case of a ``case.yaml`` and of the ``run.json`` next to it. Its name is the name of its folder.

    If ``run`` is given, it replaces that file. Raises BadFileError for a file that is damaged, has a newer format, or
    leads out of the folder, for an invalid key or value, and for a fork point that the run does not contain.
    """
    file = path / CASE_FILE if path.is_dir() else path
    folder = file.absolute().parent
    _check_folder(folder)
    document = parse_yaml(read_text(file, inside=folder, limit=MEGABYTE), path=file)
    parsed = _validated(document)
    run = load_run(folder / RUN_FILE) if run is None else run
    step = _fork_point(parsed.fork.step, run, document)
    return Case(
        name=folder.name,
        folder=folder,
        run=run,
        step=step.number,
        agent=parsed.fork.agent or step.agent,
        scope=parsed.scope,
        guard=parsed.guard,
        trials=parsed.trials,
        min_trials=parsed.min_trials,
        max_trials=parsed.max_trials,
        smallest_drop=parsed.smallest_drop,
        min_pass_rate=parsed.min_pass_rate,
        variants=None if parsed.variants is None else tuple(parsed.variants),
        tools=dict(parsed.tools or {}),
        on_miss=parsed.on_miss,
        expect=tuple(parsed.expect or ()),
        description=parsed.description or "",
    )


def _check_folder(folder: Path) -> None:
    if not is_name(folder.name):
        raise BadFileError(
            f"{str(folder)!r}: {folder.name!r} cannot name a case; rename the folder to letters, digits, "
            "'.', '_' and '-', with a letter or a digit first"
        )
    refuse_outside(folder, folder.parent)


def _validated(document: YamlDocument) -> CaseFile:
    data = CASE_FORMAT.upgrade(document.data, path=document.path)
    try:
        return CaseFile.model_validate(data)
    except ValidationError as error:
        finding = explain(error, schema=CaseFile.model_json_schema, at=document.at)
        raise BadFileError(f"{str(document.path)!r}, {finding}") from error


def _fork_point(number: int, run: Run, document: YamlDocument) -> Step:
    step = run.step(number)
    if step is not None:
        _check_complete(number, run, document)
        return step
    near = sorted(run.steps, key=lambda step: abs(step.number - number))[:3]
    steps = ", ".join(_named(step) for step in sorted(near, key=lambda step: step.number))
    raise BadFileError(
        f"{str(document.path)!r}, {document.at(('fork', 'step'))}'fork.step' is {_short(number)}, "
        f"which is not a step of {RUN_FILE}; the nearest are: {steps or 'none, the run has no steps'}"
    )


def _check_complete(number: int, run: Run, document: YamlDocument) -> None:
    """Check that the values before the fork point are complete. If the fork point was moved to a later step, they may
    be missing.
    """
    missing = next((s for s in run.steps if s.number < number and is_left_out(s.output)), None)
    if missing is not None:
        raise BadFileError(
            f"{str(document.path)!r}, {document.at(('fork', 'step'))}'fork.step' is {number}, but the output "
            f"of step {missing.number} was too large to keep past the fork point: capture the run again "
            f"with --step {number}"
        )


def _short(number: int) -> str:
    return str(number) if number < 10**9 else "very large"


def _named(step: Step) -> str:
    return f"{step.number} ({one_line(step.label or step.name, 60)})"


_TEMPLATE: Final = """\
# yaml-language-server: $schema={schema}
version: {version}
description: {description}
fork:
  step: {step}  # {step_comment}
{agent}{scope}
# trials: 10  # reruns of each variant; default: auto, as many as it takes
# min_pass_rate: 0.7  # the share of trials that must pass
# variants: [careful]  # default: every candidate of the agent
guard: {guard}  # true: from a run that went well, which a fix must not break
{expect}"""
_NO_EXPECTATION: Final = """\
# What an answer must meet. Replace the [] by a list, such as:
#   - contains: "12%"
#   - not_contains: {text: increased, ignore_case: true}
#   - regex: "fell|declin"
#   - tool_called: {name: run_sql, arguments: {query: {contains: "GROUP BY"}}}
expect: []
"""
_SCOPES: Final = {
    "step": "scope: step  # only this step runs again",
    "tail": "scope: tail  # this step and everything after it run again, under the tool policy",
}


def save_case_yaml(
    folder: Path,
    *,
    run: Run,
    step: int,
    agent: str | None = None,
    description: str = "",
    guard: bool = False,
    scope: str = "step",
    expect: Sequence[Mapping[str, Any]] = (),
    overwrite: bool = False,
) -> Path:
    """Write a new ``case.yaml``, with comments that say what can be filled in, and return its path.

    ``agent`` defaults to the step's own, and ``expect`` is left to be filled in.
    BadInputError where the file exists, unless ``overwrite``; where the folder's name cannot name a case; and where
    ``run`` has no such step.
    """
    path = folder / CASE_FILE
    if not is_name(folder.absolute().name):
        raise BadInputError(f"{folder.name!r} cannot name a case: use letters, digits, '.', '_' and '-'")
    if path.exists() and not overwrite:
        raise BadInputError(f"{str(path)!r} exists already: choose another name, or delete it first")
    found = run.step(step)
    if found is None:
        raise BadInputError(
            f"run {run.id!r} has no step {step}{nearest('', (str(s.number) for s in run.steps))}"
        )
    fresh = _TEMPLATE.format(
        schema=SCHEMA_URL,
        version=CASE_FORMAT.version,
        description=_scalar(description),
        step=step,
        step_comment=one_line(f"{found.kind}: {found.label or found.name}", 60),
        agent=_agent_line(agent or found.agent),
        scope=_SCOPES[scope],
        guard="true" if guard else "false",
        expect=yaml_block({"expect": [*expect]}) if expect else _NO_EXPECTATION,
    )
    write_atomically(path, fresh)
    return path


def _agent_line(agent: str | None) -> str:
    if agent is None:
        return "  # agent: the folder of evals/prompts/ that holds the candidates\n"
    folder = prompt_folder(agent)
    name = agent if is_folder_name(_whole(agent)) else folder
    return f"  agent: {_scalar(name)}  # candidates: evals/prompts/{folder}/<variant>.md\n"


def _scalar(text: str) -> str:
    dumped: str = yaml.safe_dump(_whole(text), allow_unicode=True, default_style='"', width=float("inf"))
    return dumped.strip()


def _whole(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()

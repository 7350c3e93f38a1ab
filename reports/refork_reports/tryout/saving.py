"""Saves what was tried: its runs as cases of the project, and its variants as files of candidate prompts."""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from refork.case_capture.case_writer import check_name
from refork.case_files.case_file import save_case_yaml
from refork.config import Config
from refork.errors import BadInputError
from refork.prompts.candidates import SUFFIX
from refork.prompts.front_matter import FENCE
from refork.records import Case
from refork.records.variant import Variant, prompt_folder
from refork.storage.files import write_atomically
from refork.storage.yaml_dump import yaml_block

from refork_reports.tryout.cases import folder_of
from refork_reports.tryout.question import Question

_NO_AGENT: Final = "agent"
_BEFORE: Final = re.compile(r"-before-\d+$")


@dataclass(frozen=True, kw_only=True)
class SavedFiles:
    """The folders of the cases and the files of the prompts that were written, each absolute."""

    cases: tuple[Path, ...]
    prompts: tuple[Path, ...]


def save(question: Question, name: str, config: Config) -> SavedFiles:
    """Write the cases of a question into the project, with their answers, and its variants beside them.

    Several cases are named ``name-1``, ``name-2``, and so on. A case that is one of the project's already stays as it
    is. Raises BadInputError for a name that is none or is taken, before anything is written.
    """
    check_name(name)
    temporary = [case for case in question.cases if case.folder.is_relative_to(folder_of(config))]
    names = [name] if len(temporary) == 1 else [f"{name}-{number}" for number in range(1, len(temporary) + 1)]
    folders = {config.cases / each: case for each, case in zip(names, temporary, strict=True)}
    prompts = dict(_prompts(question, config))
    for path in (*folders, *(path for path, text in prompts.items() if not _is_there(path, text))):
        if path.exists():
            raise BadInputError(f"{str(path)!r} exists already: choose another name, or move it away")
    for folder, case in folders.items():
        _save_case(folder, case, question)
    for path, text in prompts.items():
        write_atomically(path, text)
    return SavedFiles(cases=tuple(folders), prompts=tuple(prompts))


def _save_case(folder: Path, case: Case, question: Question) -> None:
    shutil.copytree(case.folder, folder, ignore=shutil.ignore_patterns(".*"))
    save_case_yaml(
        folder,
        run=case.run,
        step=case.step,
        agent=case.agent,
        scope=case.scope,
        expect=question.expect,
        variants=_entries(question),
        overwrite=True,
    )


def _entries(question: Question) -> list[str | Mapping[str, Any]]:
    """The variants as ``case.yaml`` lists them. Empty where all are candidates, which need no list."""
    if not any(variant.changes_prefix for variant in question.variants):
        return []
    return [_entry(variant) if variant.changes_prefix else variant.name for variant in question.variants]


def _entry(variant: Variant) -> Mapping[str, Any]:
    entry: dict[str, Any] = {"name": variant.name}
    if variant.changes_call:
        entry["prompt"] = _prompt_name(variant)
    for key in ("tool_results", "step_outputs", "messages"):
        changed = getattr(variant, key)
        if changed:
            entry[key] = {str(place): value for place, value in changed.items()}
    return entry


def _prompt_name(variant: Variant) -> str:
    """The name of a candidate without what it was crossed with."""
    return _BEFORE.sub("", variant.name)


def _prompts(question: Question, config: Config) -> Iterable[tuple[Path, str]]:
    agents = {case.agent or _NO_AGENT for case in question.cases}
    for agent in sorted(agents):
        for variant in question.variants:
            if variant.changes_call:
                yield (
                    config.prompts / prompt_folder(agent) / f"{_prompt_name(variant)}{SUFFIX}",
                    _file(variant),
                )


def _file(variant: Variant) -> str:
    front: dict[str, Any] = {} if variant.model is None else {"model": variant.model}
    front |= _settings(variant.settings)
    front |= {} if variant.tools is None else {"tools": list(variant.tools)}
    template = (variant.template or "").rstrip("\n") + "\n"
    return f"{FENCE}\n{yaml_block(front)}{FENCE}\n{template}" if front else template


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _is_there(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text

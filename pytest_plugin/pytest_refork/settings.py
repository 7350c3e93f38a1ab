"""What this session was asked to do: the command line over the environment over pyproject.toml."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from refork.config import ENVIRONMENT_PREFIX, Config, load_config
from refork.errors import BadInputError, ReforkError
from refork.files import nearest
from refork.prompt_files import SUFFIX
from refork.variant import CURRENT, RECORDED

from pytest_refork.options import PREFIX, given


@dataclass(frozen=True, kw_only=True)
class Settings:
    """``trials`` is set where it outranks the cases' own; ``candidates`` where only these are to be tried."""

    project: Config
    trials: int | None = None
    candidates: frozenset[str] | None = None


def load_settings(config: pytest.Config) -> Settings:
    """Raises pytest.UsageError, in one line that names the option, the variable or the file."""
    options = given(config)
    try:
        project = load_config(config.rootpath, overrides=options)
        forced = options["trials"] or os.environ.get(f"{ENVIRONMENT_PREFIX}TRIALS", "").strip()
        return Settings(
            project=project,
            trials=project.trials if forced else None,
            candidates=None if project.variants is None else _candidates(project.variants, project.prompts),
        )
    except ReforkError as error:
        raise pytest.UsageError(str(error)) from None


def _candidates(given: tuple[str, ...], prompts: Path) -> frozenset[str]:
    names = set(given)
    if not names:
        raise BadInputError(f"option {PREFIX}variants is empty: name candidates, such as 'careful,terse'")
    if RECORDED in names:
        raise BadInputError(
            f"option {PREFIX}variants cannot name {RECORDED!r}, which is scored and never run; name candidates"
        )
    known = {path.stem for path in prompts.glob(f"*/*{SUFFIX}")}
    for name in sorted(names - known - {CURRENT}):
        raise BadInputError(
            f"option {PREFIX}variants: no prompt of {str(prompts)!r} is {name!r}{nearest(name, known)}"
        )
    return frozenset(names - {CURRENT})

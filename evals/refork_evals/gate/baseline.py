"""Reads and writes ``evals/baseline.json``, the accepted pass rates. It is written only on request."""

import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from refork.errors import BadFileError, BadInputError
from refork.records.variant import CURRENT
from refork.storage.files import MEGABYTE, read_text, write_atomically
from refork.storage.format_versions import FileFormat
from refork.storage.json_text import dump_json, parse_json
from refork.storage.validation import explain
from refork.text.lines import one_line
from refork.version import __version__

from refork_evals.results import CaseResult, Verdict

BASELINE_FORMAT: Final = FileFormat(version=1)
GIT: Final = "git:"
UPDATE: Final = "pytest --agent-evals --agent-evals-update-baseline"
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_LIMIT: Final = 50 * MEGABYTE


class BaselineCase(BaseModel):
    """An accepted case: ``passes`` of ``trials``, and digests of what it measured, ``run`` and ``scorers``."""

    model_config = _STRICT

    passes: Annotated[int, Field(ge=0)]
    trials: Annotated[int, Field(ge=1, le=10_000)]
    model: str | None = None
    run: str
    scorers: str
    measured_on: Annotated[date, Field(strict=False)]

    @model_validator(mode="after")
    def _possible(self) -> "BaselineCase":
        if self.passes > self.trials:
            raise ValueError(f"has {self.passes} passes of {self.trials} trials")
        return self


class Baseline(BaseModel):
    """All accepted cases, by name."""

    model_config = _STRICT

    version: int = BASELINE_FORMAT.version
    refork: str = __version__
    cases: Mapping[str, BaselineCase] = Field(default_factory=dict[str, BaselineCase])


def load_baseline(source: str, *, default: Path, root: Path) -> tuple[Baseline, str]:
    """Load the baseline of ``source``: a path, ``git:REF`` (the default file in that commit), or the default.

    Gives it with the words that say where it came from. BadFileError and BadInputError say what is wrong with it.
    """
    if source.startswith(GIT):
        reference = source.removeprefix(GIT)
        return _of_commit(reference, default, root), f"{default.name} of {reference}"
    path = Path(source) if source else default
    path = path if path.is_absolute() else root / path
    if not path.exists():
        raise BadFileError(f"there is no baseline {str(path)!r} to compare with: make one with {UPDATE}")
    return parse_baseline(read_text(path, limit=_LIMIT), path=path), path.name


def parse_baseline(text: str, *, path: object) -> Baseline:
    """Return the baseline in ``text``. Raises BadFileError for anything else."""
    document = BASELINE_FORMAT.upgrade(parse_json(text, path=path), path=path)
    try:
        return Baseline.model_validate(document)
    except ValidationError as error:
        finding = explain(error, schema=Baseline.model_json_schema)
        raise BadFileError(f"{str(path)!r}: {finding}") from error


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write the baseline with its cases sorted by name, so that two branches that add cases seldom conflict."""
    document = baseline.model_dump(mode="json", exclude_none=True)
    document["cases"] = dict(sorted(document["cases"].items()))
    write_atomically(path, dump_json(document))


def updated(
    known: Baseline | None, results: Sequence[CaseResult], *, today: date
) -> tuple[Baseline, tuple[str, ...]]:
    """Return the baseline with these results of ``current`` in place of the ``known`` ones, and the reasons not to
    write it.

    A case with errors, with trials that did not run, or whose fork point the code no longer reaches is not a
    measurement that others can be compared with.
    """
    cases = dict(known.cases) if known is not None else {}
    problems: list[str] = []
    for result in results:
        cell, fingerprint = result.cell(CURRENT), result.fingerprint
        if cell is None or fingerprint is None:
            continue
        if cell.verdict is Verdict.STALE or cell.errors or cell.missing or not cell.measured:
            problems.append(f"{result.case.name}: {cell.reason or 'not all of its trials could be measured'}")
            continue
        cases[result.case.name] = BaselineCase(
            passes=cell.passes,
            trials=cell.measured,
            model=None if cell.request is None else cell.request.model,
            run=fingerprint.run,
            scorers=fingerprint.scorers,
            measured_on=today,
        )
    return Baseline(cases=cases), tuple(problems)


def _of_commit(reference: str, default: Path, root: Path) -> Baseline:
    if not reference or reference.startswith("-"):
        raise BadInputError(f"{GIT + reference!r} names no commit; write one such as {GIT}origin/main")
    name = default.relative_to(root).as_posix()
    shown = _git(["show", f"{reference}:./{name}"], root, f"{GIT}{reference}")
    return parse_baseline(shown, path=f"{name} of {reference}")


def _git(arguments: list[str], root: Path, asked: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git itself, and a reference that cannot be an option
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BadInputError(f"{asked!r} needs git: {one_line(str(error))}") from error
    if done.returncode:
        raise BadInputError(
            f"{asked!r} gives no baseline: {one_line(done.stderr) or 'git failed'}; fetch that branch, and have "
            "a baseline committed there"
        )
    return done.stdout

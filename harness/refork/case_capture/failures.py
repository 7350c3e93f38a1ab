"""Groups failed runs by failure: the step, the error's type, and its message without numbers and names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from refork.case_files.case_file import CASE_FILE
from refork.case_files.run_file import RUN_FILE, load_run
from refork.errors import BadFileError
from refork.records import RecordedError, Run, Step
from refork.redaction.detectors.spans import PLACEHOLDER
from refork.storage.files import MEGABYTE, read_text
from refork.storage.yaml_text import parse_yaml

_QUOTED: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*"|`[^`\n]*`""")
_NUMBERED: Final = re.compile(r"[\w.-]*\d[\w.:/-]*")
_MESSAGE: Final = 200
_ID_AT: Final = 4_000
"""Bytes at the beginning of a run.json that contain the run's id, which is its first field."""
_LARGEST_READ: Final = 20_000_000


@dataclass(frozen=True)
class Failure:
    """The properties that two runs with the same bug share."""

    workflow: str
    where: str
    error: str
    message: str

    @property
    def name(self) -> str:
        """Name a case after the failure: ``reserve-out-of-stock-error``."""
        error = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.error.rpartition(".")[2])
        return slug(f"{self.where or self.workflow}-{error}")


def failure_of(run: Run) -> Failure | None:
    """Return how a run failed, from the outlines of its steps; None if it did not."""
    step = broken_step(run)
    error = step.error if step is not None else run.error
    if run.error is None and run.status != "ERROR":
        return None
    error = error or RecordedError(type="error", message="")
    where = "" if step is None else (step.label or step.name.rpartition(".")[2])
    return Failure(run.workflow, where, error.type, normalised(error.message))


def normalised(message: str) -> str:
    """Return ``message`` without what differs from run to run: quoted values, numbers, ids, placeholders."""
    plain = _NUMBERED.sub("#", _QUOTED.sub("#", PLACEHOLDER.sub("#", message)))
    return " ".join(plain.lower().split())[:_MESSAGE]


def broken_step(run: Run) -> Step | None:
    """Return the step whose error ended the run: the last one with that error, otherwise the last one with any."""
    if run.error is None and run.status != "ERROR":
        return None
    errors = [step for step in run.steps if step.error is not None]
    same = [step for step in errors if _same(step.error, run.error)]
    return next(reversed(same or errors), None)


def failed_child(run: Run) -> str | None:
    """Return the id of the child run whose error ended this run; None if its own error did."""
    step = broken_step(run)
    return None if step is None else step.child_run


def _same(one: RecordedError | None, other: RecordedError | None) -> bool:
    return one is not None and other is not None and (one.type, one.message) == (other.type, other.message)


@dataclass(frozen=True, kw_only=True)
class Existing:
    """The cases of a project: their runs, their fork points, and their failures."""

    runs: dict[str, dict[int, Path]]
    failures: dict[Failure, Path]


def existing_cases(cases: Path) -> Existing:
    """Read the ``run.json`` of every case. A damaged one is skipped."""
    found = Existing(runs={}, failures={})
    for file in sorted(cases.glob(f"*/{RUN_FILE}")):
        run_id = _run_id(file)
        if run_id is not None:
            found.runs.setdefault(run_id, {}).setdefault(_step(file.parent), file.parent)
        run = _loaded(file)
        failure = None if run is None else failure_of(run)
        if failure is not None:
            found.failures.setdefault(failure, file.parent)
    return found


def _run_id(file: Path) -> str | None:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            begin = opened.read(_ID_AT)
    except OSError:
        return None
    match = re.search(r'"run": \{\s*"id": "((?:[^"\\]|\\.)*)"', begin)
    return None if match is None else match[1]


def _step(folder: Path) -> int:
    """Return the fork point of a case; -1 if its case.yaml does not name one."""
    try:
        data = parse_yaml(read_text(folder / CASE_FILE, limit=MEGABYTE), path=folder / CASE_FILE).data
        return int(data["fork"]["step"])
    except (BadFileError, LookupError, TypeError, ValueError):
        return -1


def _loaded(file: Path) -> Run | None:
    try:
        return load_run(file) if file.stat().st_size <= _LARGEST_READ else None
    except (BadFileError, OSError):
        return None


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Return ``wanted``, followed by the first free number if a case has that name."""
    names: Iterator[str] = (wanted if n == 1 else f"{wanted}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def slug(text: str) -> str:
    """``text`` as a name of a case: its letters and digits, with hyphens between them."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].strip("-") or "run"


def run_name(run: Run, step: Step) -> str:
    """The name of a case whose run did not fail."""
    return slug(f"{run.workflow}-{step.agent or step.number}")

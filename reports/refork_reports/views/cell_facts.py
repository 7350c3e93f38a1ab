"""What a reader takes along from a cell: the command that runs it again, and its request as JSON."""

import dataclasses
import json
import shlex
from typing import Any, Final

from refork.case_files import CASE_FILE
from refork.records import Request
from refork_evals.portable import portable
from refork_evals.results import CaseResult, Cell

LONGEST_REQUEST: Final = 20_000
"""Characters of a request up to which the page holds it; results.json holds every one."""


def rerun_command(result: CaseResult, cell: Cell) -> str:
    """Return the command that runs the cell again, as a shell takes it; empty if the case is no item of pytest's."""
    if not result.place:
        return ""
    if result.place.endswith(CASE_FILE):
        return shlex.join(["pytest", "--agent-evals", f"{result.place}::{cell.variant}"])
    return shlex.join(["pytest", "--agent-evals", "--agent-evals-variants", cell.variant, result.place])


def request_json(request: Request | None) -> str:
    """Return a request as indented JSON that holds no invisible or control character as it stands; empty if there is
    none, or it is too long.
    """
    if request is None:
        return ""
    given: dict[str, Any] = {name: value for name, value in dataclasses.asdict(request).items() if value}
    text = json.dumps(portable(given), ensure_ascii=False, indent=2, sort_keys=True)
    if len(text) > LONGEST_REQUEST:
        return ""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)

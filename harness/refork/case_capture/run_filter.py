"""The filter expressions of ``--where``: ``status=ERROR``, ``workflow=report``, ``error~time out``, ``flagged``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from refork.dbos.reader.recordings import STATUSES
from refork.errors import BadInputError

if TYPE_CHECKING:
    from refork.dbos.reader.recordings import Match

ACCEPTED: Final = "'flagged', 'flagged~TEXT', 'status=ERROR', 'workflow=NAME' and 'error~TEXT'"
_KEYS: Final = {"status": "=", "workflow": "=", "error": "~", "flagged": "~"}


@dataclass(frozen=True, kw_only=True)
class Where:
    """The conditions of ``--where``, all of which must hold.

    ``errors`` are texts that the error's type or message must contain, ``reasons`` texts that the reason of a flag
    must contain; case is ignored. An empty reason matches every flag.
    """

    statuses: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def holds(self, run: "Match") -> bool:
        said = "" if run.error is None else f"{run.error.type}: {run.error.message}".casefold()
        return (
            all(run.status == status for status in self.statuses)
            and all(run.workflow == workflow for workflow in self.workflows)
            and all(text.casefold() in said for text in self.errors)
            and all(
                any(text.casefold() in flag.reason.casefold() for flag in run.flags) for text in self.reasons
            )
        )


def parsed(filters: Sequence[str]) -> Where:
    """Parse a filter. Raises BadInputError that lists the accepted forms."""
    found: dict[str, list[str]] = {key: [] for key in _KEYS}
    for text in filters:
        key, value = _split(text)
        found[key].append(_status(value) if key == "status" else value)
    return Where(
        statuses=tuple(found["status"]),
        workflows=tuple(found["workflow"]),
        errors=tuple(found["error"]),
        reasons=tuple(found["flagged"]),
    )


def _split(text: str) -> tuple[str, str]:
    if text.strip().lower() == "flagged":
        return "flagged", ""
    for key, operator in _KEYS.items():
        name, sign, value = text.partition(operator)
        if sign and name.strip().lower() == key and value.strip():
            return key, value.strip()
    raise BadInputError(f"--where {text!r} is not a filter; accepted are {ACCEPTED}")


def _status(value: str) -> str:
    from refork.text.lines import nearest  # noqa: PLC0415 - needs pydantic

    if value.upper() not in STATUSES:
        raise BadInputError(
            f"--where 'status={value}' is not a status of DBOS{nearest(value.upper(), STATUSES)}"
        )
    return value.upper()

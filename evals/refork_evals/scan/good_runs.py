"""Finds a run that went well on the same input as another one."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from refork.dbos.reader.reader import Reader
from refork.errors import RunNotFoundError
from refork.text.numbers import plural

from refork_evals.recorded import SUCCESS
from refork_evals.scan.checking.expectations import Entry
from refork_evals.scan.checking.functions import Function
from refork_evals.scan.one_run import check_run

_MOST_CHECKED: Final = 50
"""Runs that are checked by expectations before the search is given up."""


def good_run(
    db: str,
    run: str,
    *,
    expect: Sequence[str | Entry] = (),
    check: Sequence[str | Function] = (),
    on_note: Callable[[str], None],
) -> str:
    """Return the id of the newest run of the same workflow, with the same input, that succeeded and is not flagged.

    With ``expect`` or ``check`` it also meets them. Raises RunNotFoundError if there is none, and as
    :func:`check_run` does.
    """
    with Reader(db) as reader:
        found = [*reader.same_input(run, status=SUCCESS)]
    if not expect and not check:
        best = next(iter(found), None)
    else:
        checked = islice(found, _MOST_CHECKED)
        best = next(
            (
                each
                for each in checked
                if not check_run(db, each, expect=expect, check=check, on_note=on_note)
            ),
            None,
        )
    if best is None:
        raise RunNotFoundError(
            f"no run that went well has the input of {run!r}: {_tried(found, bool(expect or check))}"
        )
    return best


def _tried(found: Sequence[str], is_checked: bool) -> str:
    if not found:
        return "no other run of its workflow with that input succeeded; name a run to compare with"
    checked = plural(min(len(found), _MOST_CHECKED), "other run") if is_checked else ""
    return f"{checked} with that input fail what is expected; name a run to compare with"

"""All private names of pytest that this plugin uses: if a release of pytest moves one, change this module.

``refork doctor`` looks for those at the top of modules and classes (:mod:`refork.hosts.pytest`). Only ``--agent-evals``
imports this module, so other runs of pytest do not depend on these names.
"""

from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from _pytest.runner import runtestprotocol
from _pytest.skipping import evaluate_skip_marks
from _pytest.terminal import TerminalReporter

__all__ = [
    "TerminalReporter",
    "TerminalRepr",
    "encoding_of",
    "evaluate_skip_marks",
    "forget_fixtures",
    "new_fixtures",
    "printed_by",
    "runtestprotocol",
    "tear_down_to",
]


def forget_fixtures(item: Any) -> None:
    """Reset the item's fixtures, as pytest's own protocol does after every run of an item."""
    item._request = False
    item.funcargs = None


def new_fixtures(item: Any) -> None:
    """Give the item fixtures of its own for another run, as pytest's own protocol does before one."""
    forget_fixtures(item)
    item._initrequest()


def printed_by(item: pytest.Item) -> list[tuple[str, str, str]]:
    """Return what the item has printed so far: the list that its report will have, to be changed in place."""
    return item._report_sections


def tear_down_to(session: pytest.Session, nextitem: pytest.Item | None) -> None:
    """Tear down the fixtures that the next item does not share."""
    session._setupstate.teardown_exact(nextitem)


def encoding_of(reporter: TerminalReporter) -> str:
    """Return the encoding of the terminal or file that pytest writes to; ``ascii`` if it has none."""
    return getattr(reporter._tw._file, "encoding", None) or "ascii"

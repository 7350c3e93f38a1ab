"""The private names of pytest that this plugin uses, in one place: a release of pytest that moves one is met here.

``refork doctor`` looks for the same names (:mod:`refork.hosts.pytest`). Imported with ``--agent-evals`` alone, so that
no other run of pytest hangs on them.
"""

from _pytest._code.code import TerminalRepr
from _pytest.runner import runtestprotocol
from _pytest.skipping import evaluate_skip_marks
from _pytest.terminal import TerminalReporter

__all__ = ["TerminalReporter", "TerminalRepr", "evaluate_skip_marks", "runtestprotocol"]

"""All private names of pytest that this plugin uses: if a release of pytest moves one, change this module.

``refork doctor`` looks for the same names (:mod:`refork.hosts.pytest`). Only ``--agent-evals`` imports this module,
so other runs of pytest do not depend on these names.
"""

from _pytest._code.code import TerminalRepr
from _pytest.runner import runtestprotocol
from _pytest.skipping import evaluate_skip_marks
from _pytest.terminal import TerminalReporter

__all__ = ["TerminalReporter", "TerminalRepr", "evaluate_skip_marks", "runtestprotocol"]

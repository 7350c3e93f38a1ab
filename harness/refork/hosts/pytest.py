"""Lists the names of pytest: items of cases run once, whatever other plugins request."""

from refork.hosts.library import HostLibrary, Internal

_TRIALS = "to give each trial of a test function fixtures of its own"

PYTEST = HostLibrary(
    distribution="pytest",
    oldest="8.0",
    newest="9.2",
    internals=(
        Internal(
            place="_pytest.runner:runtestprotocol",
            needed="to run a case once, also under pytest-rerunfailures",
        ),
        Internal(place="_pytest._code.code:TerminalRepr", needed="to say in a sentence why an item failed"),
        Internal(
            place="_pytest.terminal:TerminalReporter",
            needed="to print beside pytest's own lines, from 8.0 on",
        ),
        Internal(
            place="_pytest.skipping:evaluate_skip_marks", needed="to pay for no test that will be skipped"
        ),
        Internal(place="_pytest.python:Function._initrequest", needed=_TRIALS),
        Internal(place="_pytest.runner:SetupState.teardown_exact", needed=_TRIALS),
    ),
)

"""Nothing of a session shows on the user's screen, and nothing of it holds up the end of the process."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dbos._error import DBOSAwaitedWorkflowCancelledError, DBOSWorkflowCancelledError
from refork.dbos.instance.logs import quiet_dbos
from support.forks import surroundings_of
from support.prepared import TESTS


@pytest.mark.slow
def test_a_session_in_which_everything_goes_wrong_prints_nothing_and_ends(
    runs_file: Path, tmp_path: Path
) -> None:
    """Forks, stale forks, hung ones, stopped and cancelled ones, with every warning an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "support.quiet_session", str(runs_file)],
        cwd=TESTS,
        env=os.environ | surroundings_of(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert (done.stdout, done.stderr) == ("said nothing 3\n", "")
    assert done.returncode == 0
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("kind", [DBOSAwaitedWorkflowCancelledError, DBOSWorkflowCancelledError])
def test_asyncios_complaints_are_dropped_for_cancelled_forks_only(
    kind: type[Exception], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with quiet_dbos(tmp_path / "dbos.log"):
        pass
    for workflow in ("fork-1a2b", "order-7"):
        error = kind(workflow) if kind is DBOSAwaitedWorkflowCancelledError else kind(f"Workflow {workflow}")
        said = (type(error), error, None)
        logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=said)
    assert ["order-7" in str(record.exc_info) for record in caplog.records] == [True]

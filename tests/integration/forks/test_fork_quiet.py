"""Nothing of a session shows on the user's screen, and nothing of it holds up the end of the process."""

import os
import subprocess
import sys
from pathlib import Path

from support.forks import surroundings_of
from support.prepared import TESTS


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

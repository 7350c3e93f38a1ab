"""Python in a process of its own, with a folder and variables of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.prepared import prepared_sessions


def run_python(
    folder: Path, *words: str, environment: Mapping[str, str], timeout: float = 120, fresh: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run Python in ``folder`` with these words, and with ``environment`` beside the variables of this process.

    It is a copy of a process that has imported what Refork and its users import; ``fresh``, or with options of the
    interpreter's own, it starts as a user starts it.
    """
    variables = {**os.environ, **environment}
    has_options = words[0].startswith("-") and words[0] not in ("-c", "-m")
    if not (fresh or has_options):
        return prepared_sessions().run(folder, *words, env=variables, timeout=timeout)
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )

"""What the plugin costs everybody who has it installed: ``pytest --co`` in an empty project."""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROUNDS = 15


def ratio() -> tuple[float, float, float]:
    """Median seconds with the plugin, without it, and the ratio. The rounds alternate: load hits both alike."""
    with_plugin: list[float] = []
    without: list[float] = []
    with TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            with_plugin.append(_collect(Path(folder)))
            without.append(_collect(Path(folder), "-p", "no:refork"))
    a, b = statistics.median(with_plugin), statistics.median(without)
    return a, b, a / b


def _collect(folder: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", *arguments]
    began = time.monotonic()
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return time.monotonic() - began

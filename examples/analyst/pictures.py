"""Draws what ``refork try`` shows at a terminal, after ``make demo``: ``make screenshots`` runs this.

``python pictures.py FILE.svg`` asks the demo's question once more, of a stand-in model that starts anew.
"""

import io
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from demo import PRODUCTION, QUESTION, copy_project, endpoint, options_of
from rich.console import Console
from rich.text import Text

COLUMNS = 110


def main(picture: str) -> None:
    with endpoint(options_of([])) as model, TemporaryDirectory() as folder:
        copy_project(Path(folder) / "analyst")
        environment = {
            **os.environ,
            **model,
            "DBOS_SYSTEM_DATABASE_URL": PRODUCTION,
            "XDG_CACHE_HOME": folder,
        }
        shown = _at_a_terminal(Path(folder) / "analyst", environment)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(shown))
    Path(picture).write_text(console.export_svg(title="refork try"), encoding="utf-8")


def _at_a_terminal(project: Path, environment: dict[str, str]) -> str:
    """Return what the command writes to a terminal, without the progress that it wipes away again."""
    ours, its = os.openpty()
    program = Path(sys.executable).parent / QUESTION[0]
    process = subprocess.Popen(
        [program, *QUESTION[1:]],
        cwd=project,
        env={**environment, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=subprocess.DEVNULL,
    )
    os.close(its)
    pieces = []
    while piece := _read(ours):
        pieces.append(piece)
    if process.wait() != 0:
        sys.exit(f"the question failed with {process.returncode}: run `make demo` first")
    return b"".join(pieces).decode().replace("\r\n", "\n").strip()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


if __name__ == "__main__":
    main(sys.argv[1])

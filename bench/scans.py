"""What ``refork scan`` takes for 10,000 recorded runs of about 20 steps, in a process of its own."""

import importlib
import json
import sqlite3
import sys
import time
from contextlib import closing, redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.captures import peak, python

RUNS: Final = 10_000
TURNS: Final = {"good": 9, "bad": 10}
"""Calls of a tool in each half of the runs. Each follows a step of the model, and a last one answers."""
STEPS: Final = tuple(str(2 * turns + 1) for turns in TURNS.values())
_SELF: Final = ("-m", "bench.scans")
_EXPECT: Final = "not: {tool_called: {name: look, at_least: 10}}"
_TABLES: Final = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")
_IMPORTED: Final = (
    "agents",
    "dbos_openai_agents",
    "refork_evals.scan.scanning",
    "refork_reports.commands.scan",
)


@dataclass(frozen=True, kw_only=True)
class TakenByScan:
    """Seconds beyond imports: of the clock, and of the processor. ``peak`` is in bytes, of the whole process."""

    seconds: float
    processor: float
    peak: int


def measure() -> TakenByScan:
    """Measure in a process of its own. Needs the model's server."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text('[tool.refork]\napp = "bench.application"\n')
        file = Path(folder) / "production.sqlite"
        python(Path(folder), *_SELF, "write", str(file))
        return TakenByScan(**json.loads(python(Path(folder), *_SELF, "take", str(file)).splitlines()[-1]))


def write(file: Path) -> None:
    """Make one run of each kind, as production would, and copy its rows."""
    from agents import set_tracing_disabled
    from dbos import DBOS, SetWorkflowID

    from bench import application
    from bench.captures import production

    set_tracing_disabled(True)
    with production(f"sqlite:///{file}"):
        for run, turns in TURNS.items():
            workflow: Any = application.behind_turns
            with SetWorkflowID(run):
                DBOS.start_workflow(workflow, turns).get_result()
    with closing(sqlite3.connect(file)) as connection:
        for run in TURNS:
            for table in _TABLES:
                _multiply(connection, table, run, RUNS // len(TURNS) - 1)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _multiply(connection: sqlite3.Connection, table: str, run: str, copies: int) -> None:
    columns: list[str] = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    own = {
        "workflow_uuid": f"'{run}-' || n.i",
        "created_at": "created_at - (n.i % 7) * 86400000",
        "application_version": "'v' || (n.i % 3)",
    }
    connection.execute(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies}) "
        f"INSERT INTO {table} SELECT {', '.join([own.get(each, each) for each in columns])} "
        f"FROM {table}, n WHERE workflow_uuid = ?",
        (run,),
    )


def take(file: Path) -> TakenByScan:
    """Scan all runs, of which half fail."""
    for module in _IMPORTED:
        importlib.import_module(module)
    from refork.cli import main

    printed = StringIO()
    began, worked = time.monotonic(), time.process_time()
    with redirect_stdout(printed):
        code = main(["scan", "--db", f"sqlite:///{file}", "--expect", _EXPECT, "--json"])
    seconds, processor = time.monotonic() - began, time.process_time() - worked
    found: dict[str, Any] = json.loads(printed.getvalue())
    assert (code, found["runs"], found["failing"]) == (1, RUNS, RUNS // 2)
    assert found["groups"][0]["example"]["step"] == 2 * TURNS["bad"] - 1
    return TakenByScan(seconds=seconds, processor=processor, peak=peak())


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        print(json.dumps(asdict(take(Path(sys.argv[2])))))

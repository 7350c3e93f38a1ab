"""The process that uploads: reads one order from standard input, and prints one line of JSON."""

import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

from refork.errors import ReforkError
from refork.redaction.error_text import summary

from refork_reports.mlflow_runs.upload import Target, upload


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):  # what MLflow prints is no result
        found = _uploaded(order)
    print(json.dumps(found))


def _uploaded(order: dict[str, Any]) -> dict[str, str]:
    try:
        target = Target(uri=order["uri"], experiment=order["experiment"])
        return asdict(upload(Path(order["folder"]), target))
    except ReforkError as error:
        return {"problem": str(error)}
    except Exception as error:  # the session that waits is told of any
        return {"problem": f"MLflow: {summary(error)}"}


if __name__ == "__main__":
    main()

"""Results as files that other programs read: CSV, Parquet, JSON lines and JUnit XML."""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from refork.errors import BadFileError, BadInputError
from refork.storage.files import write_atomically

from refork_reports.results_file.merge import MergedResults

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["csv", "parquet", "json", "junit"]
Table = Literal["trials", "cells", "scores"]
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of a text that a spreadsheet would calculate."""


def export(evaluation: MergedResults, path: Path, kind: Kind, table: Table = "trials") -> None:
    """Write results to ``path``. ``table`` chooses the rows of all kinds but ``junit``.

    Raises BadInputError if Parquet is not installed, and BadFileError if the file cannot be written.
    """
    if kind == "parquet":
        _write_parquet(_frame(evaluation, table), path)
        return
    makers: Mapping[str, Callable[[], str]] = {
        "csv": lambda: _csv(_frame(evaluation, table)),
        "json": lambda: "".join(f"{json.dumps(row)}\n" for row in _ROWS[table](evaluation)),
        "junit": lambda: _junit(evaluation),
    }
    write_atomically(path, makers[kind]())


def _frame(evaluation: MergedResults, table: Table) -> "pd.DataFrame":
    from refork_reports.formats import frames  # noqa: PLC0415 - pandas takes a second to import

    return {"trials": frames.trials, "cells": frames.cells, "scores": frames.scores}[table](evaluation)


def _csv(frame: "pd.DataFrame") -> str:
    text_columns: pd.DataFrame = frame.select_dtypes("str")
    for name in text_columns.columns.astype(str):
        text = frame[name]
        frame[name] = text.where(~text.str.startswith(_FORMULA).fillna(False), "'" + text)
    return frame.to_csv(index=False, lineterminator="\n")


def _write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    if find_spec("pyarrow") is None:
        raise BadInputError("Parquet needs pyarrow: pip install 'refork[parquet]'")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(temporary, engine="pyarrow", index=False)
        temporary.replace(path)
    except OSError as error:
        raise BadFileError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _junit(evaluation: MergedResults) -> str:
    from refork_reports.formats import junit  # noqa: PLC0415

    return junit.render(evaluation)


def _trial_rows(evaluation: MergedResults) -> Iterator[dict[str, Any]]:
    for case in evaluation.cases:
        for cell in case.cells:
            for trial in cell.trials:
                yield {"case": case.name, "variant": cell.variant, **trial.model_dump(mode="json")}


def _cell_rows(evaluation: MergedResults) -> Iterator[dict[str, Any]]:
    for case in evaluation.cases:
        for cell in case.cells:
            yield {"case": case.name, **cell.model_dump(mode="json", exclude={"trials"})}


def _score_rows(evaluation: MergedResults) -> Iterator[dict[str, Any]]:
    for row in _trial_rows(evaluation):
        keys = {"case": row["case"], "variant": row["variant"], "trial": row["number"]}
        yield from (keys | score for score in row["scores"])


_ROWS: Final[Mapping[str, Callable[[MergedResults], Iterator[dict[str, Any]]]]] = {
    "trials": _trial_rows,
    "cells": _cell_rows,
    "scores": _score_rows,
}

"""What the analyst can do: query the sales with DuckDB, transform the rows with pandas."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from agents import RunContextWrapper, function_tool
from dbos import DBOS

SALES = Path(__file__).resolve().parent.parent / "data" / "sales.csv"
MOST_ROWS = 40
ERROR = "Error: "


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a query returned, for the tools that transform it."""

    csv: str

    def frame(self) -> pd.DataFrame:
        return pd.read_csv(io.StringIO(self.csv))


def warehouse() -> duckdb.DuckDBPyConnection:
    """The table sales, in memory, with no way to any other file."""
    database = duckdb.connect()
    # With several threads, groups come in another order each time: a step is better off deterministic.
    database.execute("SET threads = 1")
    database.execute("CREATE TABLE sales AS SELECT * FROM read_csv(?)", [str(SALES)])
    database.execute("SET enable_external_access = false")
    return database


@DBOS.step()
def check_warehouse() -> int:
    """Count the rows that there are to query."""
    with warehouse() as database:
        counted = database.execute("SELECT count(*) FROM sales").fetchone()
    return int(counted[0]) if counted else 0


@function_tool
@DBOS.step()
def run_sql(query: str) -> str:
    """Query the sales table. Returns the rows as CSV."""
    try:
        with warehouse() as database:
            frame = database.execute(query).df()
    except duckdb.Error as error:
        return ERROR + str(error).strip()
    return frame.head(MOST_ROWS).to_csv(index=False)


@function_tool
@DBOS.step()
def growth(rows: RunContextWrapper[Rows], column: str) -> str:
    """Analyze a number column of the rows: change from row to row."""
    return _with(rows.context, "change_percent", column, lambda values: _accounting(values.pct_change()))


@function_tool
@DBOS.step()
def rank(rows: RunContextWrapper[Rows], column: str) -> str:
    """Analyze a number column of the rows: order, largest first."""
    return _with(rows.context, "rank", column, lambda values: values.rank(ascending=False, method="min"))


@function_tool
@DBOS.step()
def share(rows: RunContextWrapper[Rows], column: str) -> str:
    """Analyze a number column of the rows: part of the total."""
    return _with(rows.context, "share_percent", column, lambda values: _accounting(values / values.sum()))


def _accounting(parts: "pd.Series[float]") -> "pd.Series[str]":
    """Percentages as accountants write them: 0.05 is 5.0, and -0.05 is (5.0)."""
    return (parts * 100).map(
        lambda value: f"({-value:.1f})" if value < 0 else f"{value:.1f}", na_action="ignore"
    )


def _with(
    rows: Rows, name: str, column: str, transform: "Callable[[pd.Series[float]], pd.Series[Any]]"
) -> str:
    """The rows as CSV, with a new column ``name`` that comes from ``column``."""
    frame = rows.frame()
    if column not in frame.columns:
        return f"{ERROR}there is no column {column!r}, only {', '.join(frame.columns)}"
    frame[name] = transform(pd.to_numeric(frame[column], errors="coerce"))
    return frame.to_csv(index=False)

"""Which SQL is accepted: it parses, it only reads, and only what is known."""

import logging
from typing import Any

import pytest
from pydantic import ValidationError
from refork_evals.scorers.registry import parse_scorer
from support.evals_builders import answer, score

TABLES = {"sales": ["month", "region", "revenue"], "regions": ["region", "manager"]}


def of(text: str, dialect: str = "duckdb", **params: Any) -> Any:
    return score({"sql": {"dialect": dialect, "tables": TABLES, **params}}, text)


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(
            "SELECT region, SUM(revenue) AS total FROM sales GROUP BY 1 ORDER BY total", id="an-aggregate"
        ),
        pytest.param("select REGION from Sales", id="without-regard-to-case"),
        pytest.param('SELECT "Region" FROM "SALES"', id="quoted-where-the-dialect-ignores-case"),
        pytest.param("SELECT * FROM sales", id="a-star"),
        pytest.param("SELECT * EXCLUDE (month) FROM sales", id="a-star-without-a-column"),
        pytest.param("FROM sales", id="a-short-form-of-the-dialect"),
        pytest.param("SELECT s.month FROM sales AS s JOIN regions r USING (region)", id="aliases"),
        pytest.param("WITH t AS (SELECT region AS r FROM sales) SELECT t.r FROM t", id="a-cte"),
        pytest.param("WITH sales AS (SELECT 1 AS a) SELECT a FROM sales", id="a-cte-that-hides-a-table"),
        pytest.param("SELECT x.m FROM (SELECT month AS m FROM sales) AS x", id="a-subquery"),
        pytest.param(
            "SELECT month FROM sales s WHERE 0 < (SELECT MAX(revenue) FROM sales t WHERE t.month = s.month)",
            id="a-correlated-subquery",
        ),
        pytest.param("SELECT revenue * 2 AS double, double + 1 FROM sales", id="an-alias-used-beside-it"),
        pytest.param("SELECT region FROM sales UNION ALL SELECT region FROM regions", id="a-union"),
        pytest.param("SELECT * FROM generate_series(1, 3)", id="a-series"),
        pytest.param(
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t",
            id="a-recursive-cte",
        ),
        pytest.param("SELECT * FROM main.sales", id="a-schema-before-a-table-known-without"),
        pytest.param("SELECT region FROM sales; -- done", id="a-semicolon-and-a-comment"),
        pytest.param("SELECT 'a; DROP TABLE sales' AS text FROM sales", id="a-semicolon-in-a-text"),
    ],
)
def test_a_query_of_known_names_passes(sql: str) -> None:
    found = of(sql)
    assert found.passed is True, found.reason


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        pytest.param("SELECT regoin FROM sales", "Column 'regoin' could not be resolved", id="a-column"),
        pytest.param(
            "SELECT manager FROM sales", "Column 'manager' could not be resolved", id="of-another-table"
        ),
        pytest.param("SELECT 1 FROM sales ORDER BY nope", "Column 'nope'", id="only-ordered-by"),
        pytest.param("SELECT s.nope FROM sales s", "Unknown column: nope", id="alias"),
        pytest.param(
            "WITH t AS (SELECT region FROM sales) SELECT month FROM t", "Column 'month'", id="past-a-cte"
        ),
        pytest.param(
            "SELECT x FROM sale", "reads the unknown table 'sale' (did you mean 'sales'?", id="a-table"
        ),
        pytest.param(
            "SELECT (SELECT MAX(a) FROM hidden) FROM sales", "reads the unknown table 'hidden'", id="nested"
        ),
        pytest.param(
            "SELECT 1 FROM sales WHERE EXISTS (SELECT 1 FROM hidden)",
            "reads the unknown table 'hidden'",
            id="exists",
        ),
        pytest.param("SELECT * FROM 'sales.csv'", "reads the unknown table 'sales.csv'", id="a-file"),
        pytest.param(
            "SELECT * FROM read_csv('/etc/passwd')", 'reads "READ_CSV(', id="a-function-that-reads-files"
        ),
    ],
)
def test_unknown_names_fail(sql: str, reason: str) -> None:
    found = of(sql)
    assert found.passed is False
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        pytest.param(
            "SELEC region FROM sales", "does not parse as duckdb (Invalid expression", id="a-typing-error"
        ),
        pytest.param(
            "SELECT region FROM", "does not parse as duckdb (Expected table name", id="an-end-too-soon"
        ),
        pytest.param("SELECT 'a FROM sales", "does not parse as duckdb (", id="an-open-quote"),
        pytest.param("(" * 5000, "does not parse as duckdb (RecursionError)", id="nested-too-deeply"),
        pytest.param("", "holds no statements, not one: ''", id="empty"),
        pytest.param("-- nothing", "holds no statements", id="only-a-comment"),
        pytest.param("SELECT 1; DROP TABLE sales", "holds 2 statements", id="several"),
        pytest.param(
            "```sql\nSELECT 1\n```\n```sql\nSELECT 2\n```", "holds 2 statements", id="several-blocks"
        ),
        pytest.param("I cannot do that.", "does not parse as duckdb", id="prose"),
    ],
)
def test_what_is_not_one_statement_fails(sql: str, reason: str) -> None:
    found = of(sql)
    assert found.passed is False
    assert found.reason.startswith(reason)


WRITES = [
    pytest.param("DELETE FROM sales", "is a DELETE statement", id="delete"),
    pytest.param("INSERT INTO sales VALUES (1, 2, 3)", "is a INSERT statement", id="insert"),
    pytest.param("UPDATE sales SET revenue = 0", "is a UPDATE statement", id="update"),
    pytest.param("DROP TABLE sales", "is a DROP statement", id="drop"),
    pytest.param("CREATE TABLE t AS SELECT * FROM sales", "is a CREATE statement", id="create"),
    pytest.param("COPY sales TO 'a.csv'", "is a COPY statement", id="copy"),
    pytest.param("ATTACH 'a.db'", "is a ATTACH statement", id="attach"),
    pytest.param("CALL vacuum()", "is a CALL statement", id="a-command-known-by-name-only"),
    pytest.param("SELECT * INTO t FROM sales", "holds INTO, which writes", id="select-into"),
    pytest.param(
        "WITH d AS (DELETE FROM sales RETURNING *) SELECT * FROM d", "holds DELETE", id="inside-a-cte"
    ),
]


@pytest.mark.parametrize(("sql", "reason"), WRITES)
def test_what_writes_fails_also_where_no_tables_are_given(sql: str, reason: str) -> None:
    found = score({"sql": "duckdb"}, sql)
    assert found.passed is False
    assert found.reason.startswith(reason)


def test_writing_passes_where_it_is_allowed_and_still_only_touches_known_tables() -> None:
    assert of("DELETE FROM sales", read_only=False).passed is True
    assert of("INSERT INTO sales SELECT * FROM hidden", read_only=False).passed is False


def test_without_tables_names_are_not_checked() -> None:
    assert score({"sql": "duckdb"}, "SELECT nope FROM anything").passed is True


@pytest.mark.parametrize(
    ("dialect", "sql", "passes"),
    [
        pytest.param("postgres", "SELECT MONTH FROM SALES", True, id="postgres-folds-to-lower-case"),
        pytest.param("postgres", 'SELECT "Month" FROM sales', False, id="postgres-keeps-quoted-case"),
        pytest.param("snowflake", "SELECT month FROM sales", True, id="snowflake-folds-to-upper-case"),
        pytest.param("snowflake", 'SELECT month FROM "sales"', False, id="snowflake-keeps-quoted-case"),
        pytest.param("bigquery", "SELECT month FROM `project.data.sales`", True, id="bigquery-quotes-paths"),
        pytest.param("tsql", "SELECT [month] FROM [sales]", True, id="tsql-quotes-with-brackets"),
        pytest.param("mysql", "SELECT `month` FROM `sales`", True, id="mysql-quotes-with-backticks"),
    ],
)
def test_names_are_compared_as_the_dialect_does(dialect: str, sql: str, passes: bool) -> None:
    assert of(sql, dialect).passed is passes


def test_quoted_known_names_keep_their_case() -> None:
    tables = {'"Sales"': ['"Month"']}
    assert of('SELECT "Month" FROM "Sales"', "postgres", tables=tables).passed is True
    assert of("SELECT month FROM sales", "postgres", tables=tables).passed is False


def test_known_tables_may_have_a_schema() -> None:
    tables = {"main.sales": ["month"]}
    assert of("SELECT month FROM main.sales", tables=tables).passed is True
    assert of("SELECT month FROM other.sales", tables=tables).passed is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("```sql\nSELECT month FROM sales\n```", id="tagged"),
        pytest.param(
            "Sure!\n```\nSELECT month FROM sales\n```\nHope this helps.", id="untagged-within-prose"
        ),
        pytest.param("```duckdb\nSELECT month FROM sales\n```", id="tagged-with-a-dialect"),
    ],
)
def test_fences_around_the_sql_are_stripped(text: str) -> None:
    assert of(text).passed is True


def test_the_sql_of_every_call_is_checked() -> None:
    good, bad = "SELECT month FROM sales", "SELECT nope FROM sales"
    place = {"from": {"tool": "run_sql", "argument": "query"}}
    expectation = {"sql": {"dialect": "duckdb", "tables": TABLES, **place}}
    assert score(expectation, answer("", ("run_sql", {"query": good}))).passed is True
    both = score(expectation, answer("", ("run_sql", {"query": good}), ("run_sql", {"query": bad})))
    assert both.passed is False
    assert both.reason.startswith("run_sql.query: Column 'nope' could not be resolved")
    assert both.reason.endswith("'SELECT nope FROM sales'")


def test_nothing_is_logged_of_a_statement_that_is_known_by_name_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        of("CALL vacuum()")
    assert not [record for record in caplog.records if record.name == "sqlglot"]
    assert not logging.getLogger("sqlglot").disabled


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        pytest.param("duckdbb", "did you mean 'duckdb'", id="an-unknown-dialect"),
        pytest.param("", "unknown dialect ''", id="no-dialect"),
        pytest.param({"dialect": "duckdb", "tables": {"a": "b"}}, "a valid list", id="columns-as-a-text"),
        pytest.param(
            {"dialect": "duckdb", "tables": {"a": ["x"], "m.b": ["y"]}},
            "tables must be names of one form",
            id="mixed",
        ),
        pytest.param(
            {"dialect": "duckdb", "tables": {"f(x)": ["x"]}}, "is not a name of a table", id="no-name"
        ),
        pytest.param({"dialect": "duckdb", "tables": {"": []}}, "tables must be names", id="an-empty-name"),
        pytest.param({"tables": {}}, "is missing", id="no-dialect-at-all"),
    ],
)
def test_bad_parameters_are_refused_when_the_case_is_read(params: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_scorer({"sql": params})

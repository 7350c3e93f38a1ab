"""The scorer that checks SQL. It parses and looks up names; it runs nothing."""

import logging
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from refork_evals.scorers.builtin.base import Finding, ValueScorer
from refork_evals.scorers.evidence import as_text, fenced, nearest, one_line, quote


class NotAcceptedError(Exception):
    """A statement that the scorer rejects. Its message is the reason."""


def _is_dialect(name: str) -> str:
    from sqlglot import Dialect  # noqa: PLC0415 - half a second that only a case with this scorer pays
    from sqlglot.dialects import Dialects  # noqa: PLC0415 - as above

    if Dialect.get(name) is None or not name:
        raise ValueError(
            f"unknown dialect {name!r}; {nearest(name, [each.value for each in Dialects if each.value])}"
        )
    return name


class Sql(ValueScorer):
    """One statement that parses, reads only, and reads only known tables and columns."""

    kind: ClassVar[str] = "sql"
    slow: ClassVar[bool] = True
    short_form: ClassVar[str | None] = "dialect"

    dialect: Annotated[str, AfterValidator(_is_dialect)] = Field(
        description="sqlglot's name of the dialect: duckdb, postgres ..."
    )
    tables: dict[str, list[str]] | None = Field(
        default=None, description="The known tables with their columns. Left out, names are not checked."
    )
    read_only: bool = Field(default=True, description="Reject everything that is not a query.")

    @model_validator(mode="after")
    def _tables_are_names(self) -> "Sql":
        if self.tables is not None:
            _Known(self.tables, self.dialect)
        return self

    def check(self, value: Any) -> Finding:
        text = as_text(value)
        sql = ";\n".join(fenced(text, "sql")) or text
        try:
            with _quiet():
                self._check(sql)
        except NotAcceptedError as problem:
            return Finding(passed=False, reason=f"{problem}: {quote(sql.strip())}")
        return Finding(passed=True, reason=f"is accepted: {quote(sql.strip())}")

    def _check(self, sql: str) -> None:
        statement = _only_statement(sql, self.dialect)
        if self.read_only:
            _refuse_writes(statement)
        if self.tables is not None:
            _Known(self.tables, self.dialect).check(statement)


@contextmanager
def _quiet() -> Generator[None]:
    """Silence sqlglot, which warns of each statement that it knows only by name; the reason says it better."""
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _only_statement(sql: str, dialect: str) -> Any:
    import sqlglot  # noqa: PLC0415 - as above
    from sqlglot import exp  # noqa: PLC0415 - as above
    from sqlglot.errors import ParseError, SqlglotError  # noqa: PLC0415 - as above

    try:
        # What stands after the last semicolon, such as a comment, is no statement of its own.
        parsed = sqlglot.parse(sql, read=dialect)
        statements = [each for each in parsed if each is not None and not isinstance(each, exp.Semicolon)]
    except ParseError as error:
        raise NotAcceptedError(f"does not parse as {dialect} ({_where(error.errors)})") from None
    except (SqlglotError, RecursionError) as error:
        raise NotAcceptedError(f"does not parse as {dialect} ({type(error).__name__})") from None
    if len(statements) != 1:
        raise NotAcceptedError(f"holds {len(statements) or 'no'} statements, not one")
    return statements[0]


def _where(errors: list[dict[str, Any]]) -> str:
    first = errors[0]
    what = str(first.get("description") or "syntax error").split(" but got <")[0]
    return one_line(f"{what}, line {first.get('line')}, near {quote(first.get('highlight') or '', 40)}", 200)


def _refuse_writes(statement: Any) -> None:
    from sqlglot import exp  # noqa: PLC0415 - as above

    if not isinstance(statement, exp.Query):
        raise NotAcceptedError(f"is a {_verb(statement)} statement, not a query")
    writing = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Into, exp.Command)
    found = statement.find(*writing)
    if found is not None:
        raise NotAcceptedError(f"holds {_verb(found)}, which writes")


def _verb(expression: Any) -> str:
    return str(expression.this if expression.key == "command" else expression.key).upper()


class _Known:
    """Known tables and columns. Names are compared as the dialect does, with or without regard to case."""

    def __init__(self, tables: Mapping[str, Iterable[str]], dialect: str) -> None:
        from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above
        from sqlglot.schema import MappingSchema  # noqa: PLC0415 - as above

        self.dialect = dialect
        self.schema = MappingSchema(dialect=dialect)
        self.names: dict[tuple[str, ...], str] = {}
        self.columns = sorted({column for columns in tables.values() for column in columns})
        try:
            for name, columns in tables.items():
                table = _table_name(name, dialect)
                self.schema.add_table(table, dict.fromkeys(columns, "unknown"), dialect=dialect)
                self.names[self._parts(table)] = name
        except SqlglotError as error:
            reason = one_line(str(error), 120)
            raise ValueError(
                f"tables must be names of one form, all with or all without a schema: {reason}"
            ) from None

    def _parts(self, table: Any) -> tuple[str, ...]:
        from sqlglot.schema import normalize_name  # noqa: PLC0415 - as above

        return tuple(normalize_name(part, dialect=self.dialect, is_table=True).name for part in table.parts)

    def check(self, statement: Any) -> None:
        from sqlglot import exp  # noqa: PLC0415 - as above

        tables = _tables_of(statement)
        for table in tables:
            self._check_table(table)
        if isinstance(statement, exp.Query):
            self._check_columns(statement)

    def _check_table(self, table: Any) -> None:
        from sqlglot import exp  # noqa: PLC0415 - as above

        if isinstance(table.this, exp.GenerateSeries | exp.Unnest):
            return
        if not isinstance(table.this, exp.Identifier):
            raise NotAcceptedError(f"reads {quote(table.sql(self.dialect), 60)}, which is not a known table")
        parts = self._parts(table)
        if not any(parts[-len(known) :] == known for known in self.names):
            name = ".".join(part.name for part in table.parts)
            raise NotAcceptedError(
                f"reads the unknown table {name!r} ({nearest(name, self.names.values(), 'known')})"
            )

    def _check_columns(self, query: Any) -> None:
        from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above
        from sqlglot.optimizer.qualify import qualify  # noqa: PLC0415 - as above

        try:
            qualify(query.copy(), schema=self.schema, dialect=self.dialect)
        except (SqlglotError, RecursionError) as error:
            raise NotAcceptedError(
                f"{one_line(str(error), 160)} (known: {', '.join(self.columns)})"
            ) from None


def _table_name(name: str, dialect: str) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - as above

    table = exp.to_table(name, dialect=dialect)
    if not all(isinstance(part, exp.Identifier) for part in table.parts):
        raise ValueError(f"tables: {name!r} is not a name of a table")
    return table


def _tables_of(statement: Any) -> list[Any]:
    """Return the tables that a statement names, without those that its own WITH defines at that place."""
    from sqlglot import exp  # noqa: PLC0415 - as above
    from sqlglot.optimizer.scope import traverse_scope  # noqa: PLC0415 - as above

    if not isinstance(statement, exp.Query):
        defined = {cte.alias for cte in statement.find_all(exp.CTE)}
        return [table for table in statement.find_all(exp.Table) if table.db or table.name not in defined]
    sources = [source for scope in traverse_scope(statement.copy()) for source in scope.sources.values()]
    return [source for source in sources if isinstance(source, exp.Table)]

"""Loads the files under `sql/` by name and runs them on an in-memory DuckDB.

What belongs here: the header format, parameter binding, running one SELECT over named frames. What does not: SQL text, which
lives only in `sql/`. A file's header is its leading comment, one `-- key: value` a line; a line `--   …` continues the value
above. `parameters` lists `name = value` pairs (JSON scalars or lists) separated by `;`, bound as `$name`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

from wow_flywheel.errors import QueryError

Scalar = str | int | float | bool | None
Parameter = Scalar | list[Scalar]
HEADER_LINE = re.compile(r"^--\s(?P<key>[a-z_]+):\s*(?P<value>.*)$")
CONTINUATION = re.compile(r"^--\s{2,}(?P<value>\S.*)$")
PLACE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\$(?P<name>[A-Za-z_]\w*)")
"""A parameter, where it is neither inside a string nor inside a comment."""


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT with its header.

    Attributes:
        name: Path under `sql/` without the ending, such as `rules/repeated_reply`.
        header: The header's values by key, as text.
        parameters: Defaults of the `$parameters`.
        sql: The whole text.
    """

    name: str
    header: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    sql: str

    @property
    def digest(self) -> str:
        """First 12 hex digits of the text's SHA-256: changes whenever the SQL or a default does."""
        return sha256(self.sql.encode()).hexdigest()[:12]

    def text(self) -> str:
        """The SQL with its parameters written out as literals, for statements that cannot be bound, such as PREPARE.

        Raises:
            QueryError: The SQL uses a parameter that its header does not give.
        """
        return PLACE.sub(lambda found: found[0] if found["name"] is None else self._literal(found["name"]), self.sql)

    def _literal(self, name: str) -> str:
        if name not in self.parameters:
            raise QueryError(
                f"sql/{self.name}.sql uses ${name}, which its header does not give", hint="add it to '-- parameters:'"
            )
        return literal(self.parameters[name])


@cache
def sql_root() -> Path:
    """The folder `sql/`: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parent
    packaged = package / "_sql"
    return packaged if packaged.is_dir() else package.parent / "sql"


def load(name: str) -> Query:
    """Load one query by its path under `sql/`, such as `metrics/usm_daily`.

    Raises:
        QueryError: There is no such file, or its header is malformed.
    """
    path = sql_root() / f"{name}.sql"
    if not path.is_file():
        raise QueryError(f"sql/{name}.sql does not exist", hint="check the name against the files under sql/")
    return parse(name, path.read_text(encoding="utf-8"))


def load_folder(folder: str) -> list[Query]:
    """All queries of a folder under `sql/`, sorted by name."""
    return [load(f"{folder}/{path.stem}") for path in sorted((sql_root() / folder).glob("*.sql"))]


def parse(name: str, text: str) -> Query:
    """Split a file's text into header, parameters and SQL.

    Raises:
        QueryError: The header or a parameter is malformed.
    """
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if match := HEADER_LINE.match(line):
            key = match["key"]
            header[key] = match["value"].strip()
        elif (match := CONTINUATION.match(line)) and key:
            header[key] = f"{header[key]} {match['value'].strip()}".strip()
        elif not line.startswith("--"):
            break
    if "grain" not in header:
        raise QueryError(f"sql/{name}.sql has no '-- grain:' line", hint="open the file with its header comment")
    return Query(name, header, _parameters(name, header.get("parameters", "")), text)


class Session:
    """Named frames on one in-memory DuckDB, for several queries over the same relations.

    Args:
        frames: The relations that queries may name.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
        for relation, frame in frames.items():
            self._connection.register(relation, frame.to_arrow())

    def put(self, relation: str, table: pa.Table) -> None:
        """Name an Arrow table, in place of an earlier one of that name; its batches are worked on in parallel."""
        self._connection.register(relation, table)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, query: Query, parameters: Mapping[str, Parameter] | None = None) -> pl.DataFrame:
        """Run one query; see `run`."""
        rows: pl.DataFrame = self._made(query, parameters, lambda relation: relation.pl())
        return rows

    def table(self, query: Query, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """Run one query; its rows as Arrow has them, for a query that follows."""
        return self._made(query, parameters, lambda relation: relation.to_arrow_table())

    def _made(self, query: Query, parameters: Mapping[str, Parameter] | None, make: Callable[[Any], Any]) -> Any:
        unknown = sorted(set(parameters or {}) - set(query.parameters))
        if unknown:
            raise QueryError(f"sql/{query.name}.sql has no parameters {unknown}", hint=f"it has {sorted(query.parameters)}")
        bound: dict[str, Any] = {**query.parameters, **(parameters or {})}
        try:
            return make(self._connection.sql(query.sql, params=bound or None))
        except duckdb.Error as error:
            raise QueryError(
                f"sql/{query.name}.sql does not run: {without_data(error)}", hint="run its test, or fix the SQL"
            ) from None

    def materialise(self, name: str, query: Query, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Keep a query's rows as a relation that later queries may name."""
        self._made(query, parameters, lambda relation: relation.create(name))


def run(query: Query, frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Parameter] | None = None) -> pl.DataFrame:
    """Run one query over named frames.

    Args:
        query: The SELECT.
        frames: The relations that it may name.
        parameters: Overrides of its parameters.

    Raises:
        QueryError: An override names no parameter of the query, or the SQL does not run; the message names the file.
    """
    with Session(frames) as session:
        return session.run(query, parameters)


def literal(value: Parameter) -> str:
    """A parameter's value as DuckDB writes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"{value!r}::DOUBLE"
    return "NULL" if value is None else str(value).upper()


def without_data(error: duckdb.Error) -> str:
    """The kind of a DuckDB error, and its first line where it is about the SQL: others quote values of the rows."""
    kind = type(error).__name__
    if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
        return f"{kind}: {str(error).splitlines()[0]}"
    return kind


def _parameters(name: str, text: str) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        key, separator, value = part.partition("=")
        try:
            parameters[key.strip()] = json.loads(value)
        except json.JSONDecodeError:
            separator = ""
        if not separator or not key.strip().isidentifier():
            raise QueryError(
                f"sql/{name}.sql: parameter {part!r} is not 'name = JSON value'",
                hint='write for example: min_chars = 20; words = ["a"]',
            )
    return parameters

"""The relations and rules of a profile as Python functions, and what they find in one conversation.

What belongs here: compiling each file, checking the columns against DuckDB's, running. What does not: what SQL becomes which
code (`selects`), a conversation's shape, rules that are not compiled (`online`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import duckdb
import polars as pl

from wow_flywheel.errors import QueryError
from wow_flywheel.queries import Query, without_data
from wow_flywheel.rules.compiled.joins import Source
from wow_flywheel.rules.compiled.kinds import Kind, Names, kind_of
from wow_flywheel.rules.compiled.selects import Selects
from wow_flywheel.rules.compiled.tables import Table
from wow_flywheel.rules.compiled.tree import Unsupported, parse
from wow_flywheel.rules.overrides import Profile
from wow_flywheel.rules.registry import FINDING_COLUMNS, Rule

FINDING: Final[tuple[Kind, ...]] = ("int", "int", "text", "text")
KINDS: Final[Mapping[str, Kind]] = {**dict.fromkeys(("TINYINT", "INTEGER", "BIGINT", "HUGEINT"), "int"), "VARCHAR": "text"}
"""What a finding's columns are made of, by DuckDB's name for it."""
Run = Callable[[Mapping[str, Table]], Table]
Columns = tuple[tuple[str, Kind], ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One file: what it runs, and the columns that come out."""

    query: Query
    run: Run
    columns: Columns


class Program:
    """A profile, compiled.

    Args:
        profile: The rules and relations.
        live: What a conversation's turns look like, by the relation's name: one name.
        frames: Relations that are the same for all conversations.

    Attributes:
        left: The rules that are not compiled, and why.

    Raises:
        QueryError: A file does not run in DuckDB, or a rule gives other columns than a finding's.
    """

    def __init__(self, profile: Profile, live: Mapping[str, pl.Schema], frames: Mapping[str, pl.DataFrame]) -> None:
        self._tables = {name: table_of(frame) for name, frame in frames.items()}
        self._columns: dict[str, Columns] = {name: columns_of(frame.schema) for name, frame in frames.items()}
        self._columns |= {name: columns_of(schema) for name, schema in live.items()}
        self._relations: list[tuple[str, Compiled]] = []
        self._rules: list[tuple[Rule, Compiled, tuple[int, ...]]] = []
        self.left: dict[str, str] = {}
        with _Checked(frames, live) as duck:
            self._compile(profile, duck)

    def _compile(self, profile: Profile, duck: "_Checked") -> None:
        for query in profile.relations:
            name = query.header["relation"]
            theirs = duck.relation(name, query)
            if name in self._columns:
                continue
            try:
                made = self._file(query, duck, theirs)
            except Unsupported:
                continue  # a rule that names it says so
            self._relations.append((name, made))
            self._columns[name] = made.columns
        for rule in profile.rules:
            theirs = duck.rule(rule)
            try:
                made = self._file(rule.query, duck, theirs)
                self._rules.append((rule, made, _finding_places(made.columns)))
            except Unsupported as reason:
                self.left[rule.rule_id] = f"sql/{rule.query.name}.sql: {reason} is not compiled"

    def _file(self, query: Query, duck: "_Checked", theirs: Columns) -> Compiled:
        made = compile_file(duck.connection, query, self._columns, lasting=frozenset(self._tables))
        _agree(made.columns, theirs)
        return made

    def find(self, live: Mapping[str, Table]) -> Iterator[tuple[Rule, int, str, str]]:
        """Each finding's rule, turn, quote and evidence.

        Args:
            live: The conversation's turns, under the name that `live` gave them.

        Raises:
            QueryError: A file cannot be computed on this conversation, as in DuckDB; the message names it.
        """
        tables = {**self._tables, **live}
        for name, each in self._relations:
            tables[name] = _run(each, tables)
        for rule, each, (turn, quote, evidence) in self._rules:
            for row in _run(each, tables):
                yield rule, row[turn], row[quote], row[evidence]


def compile_file(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    relations: Mapping[str, Columns],
    *,
    lasting: frozenset[str] = frozenset(),
) -> Compiled:
    """A file as a Python function of the relations' tables.

    Args:
        connection: Parses it.
        query: The file.
        relations: What it may name.
        lasting: Those of them that are the same for all conversations.

    Raises:
        QueryError: It is not one SELECT.
        Unsupported: Something in it is not compiled.
    """
    names = Names()
    known = {name: Source(names.temporary(), columns, stays=name in lasting) for name, columns in relations.items()}
    lines = [f"{source.rows} = tables[{name!r}]" for name, source in known.items()]
    out = Selects(names, known, lines).compile(parse(connection, query))
    text = "\n    ".join(["def run(tables):", *lines, f"return {out.rows}"])
    exec(compile(text, f"<sql/{query.name}.sql>", "exec"), names.namespace)  # noqa: S102 code of this package's own making
    return Compiled(query, names.namespace["run"], out.columns)


def table_of(frame: pl.DataFrame) -> Table:
    """A frame's rows, with lists and structs as tuples."""
    return Table(tuple(map(_hashable, row)) for row in frame.iter_rows())


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(map(_hashable, value.values()))
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _run(each: Compiled, tables: Mapping[str, Table]) -> Table:
    try:
        return each.run(tables)
    except ArithmeticError as error:
        raise QueryError(
            f"sql/{each.query.name}.sql does not run: {type(error).__name__}", hint="run its test, or fix the SQL"
        ) from None


def columns_of(schema: pl.Schema) -> Columns:
    """A frame's columns, in lower case, with their kinds."""
    return tuple((name.lower(), kind_of(dtype)) for name, dtype in schema.items())


def _agree(ours: Columns, theirs: Columns) -> None:
    """The same names and kinds as DuckDB has, but for what is always NULL.

    Raises:
        Unsupported: Names the first that differs.
    """
    if len(ours) != len(theirs):
        raise Unsupported(f"a SELECT of {len(ours)} columns where DuckDB has {len(theirs)}")
    for (name, kind), (other, wanted) in zip(ours, theirs, strict=True):
        if name != other or kind not in ("null", wanted):
            raise Unsupported(f"the column {name}: {kind} where DuckDB has {other}: {wanted}")


def _finding_places(columns: Columns) -> tuple[int, ...]:
    places = {name: at for at, (name, _) in enumerate(columns)}
    for name, wanted in zip(FINDING_COLUMNS, FINDING, strict=True):
        if columns[places[name]][1] not in ("null", wanted):
            raise Unsupported(f"a {name} that is {columns[places[name]][1]}")
    return tuple(places[name] for name in FINDING_COLUMNS[1:])


class _Checked:
    """All files on a DuckDB without conversations: what does not bind there is refused; what does has its columns' types."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], live: Mapping[str, pl.Schema]) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
        for name, frame in {**frames, **{name: schema.to_frame() for name, schema in live.items()}}.items():
            self.connection.register(name, frame.clear().to_arrow())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def relation(self, name: str, query: Query) -> Columns:
        """The columns of a relation, which later files may name."""
        found: pl.DataFrame = self._bound(query, lambda relation: relation.pl())
        self.connection.register(name, found.to_arrow())
        return columns_of(found.schema)

    def rule(self, rule: Rule) -> Columns:
        """The columns of a rule."""
        found = self._bound(rule.query, lambda relation: tuple(zip(relation.columns, map(str, relation.types), strict=True)))
        names = [name for name, _ in found]
        if sorted(names) != sorted(FINDING_COLUMNS):
            raise QueryError(
                f"sql/{rule.query.name}.sql gives the columns {names}", hint=f"a rule's SELECT gives {FINDING_COLUMNS}"
            )
        return tuple((name, KINDS.get(kind, kind)) for name, kind in found)

    def _bound(self, query: Query, read: Callable[[duckdb.DuckDBPyRelation], Any]) -> Any:
        try:
            return read(self.connection.sql(query.text()))
        except duckdb.Error as error:
            raise QueryError(
                f"sql/{query.name}.sql does not run: {without_data(error)}", hint="run its test, or fix the SQL"
            ) from None

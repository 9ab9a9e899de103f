"""FROM as code: tables, subqueries, joins.

What belongs here: which joins are compiled, and what of WHERE is tested before them. What does not: the rest of a SELECT
(`selects`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from wow_flywheel.rules.compiled.expressions import Expressions
from wow_flywheel.rules.compiled.kinds import Kind, Names, both, comparable
from wow_flywheel.rules.compiled.scopes import ROW, Column, Scope
from wow_flywheel.rules.compiled.tables import Table, narrowed
from wow_flywheel.rules.compiled.tree import Node, Unsupported, conjuncts, find, only

OTHER: Final = "s"
"""What generated code calls the row of the right side of a join."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that a name stands for.

    Attributes:
        rows: The name in the generated code.
        columns: Names, in lower case, and kinds.
        stays: Whether they are the same for all conversations.
    """

    rows: str
    columns: tuple[tuple[str, Kind], ...]
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows under way through a FROM.

    `table` says that they are a `Table` as it is, `stays` that this is the same for all conversations.
    """

    name: str
    columns: tuple[Column, ...]
    table: bool = False
    stays: bool = False


@dataclass(slots=True)
class From:
    """Compiles one FROM.

    Args:
        names: Of the generated function.
        tables: Finds what a table's name stands for.
        subquery: Compiles a SELECT.
        lines: Statements so far.
    """

    names: Names
    tables: Callable[[str], Source]
    subquery: Callable[[Node], Source]
    lines: list[str]
    _pushed: list[Node] = field(default_factory=list)

    def compile(self, node: Node, where: list[Node]) -> tuple[Rows, list[Node]]:
        """The rows that FROM gives, and what of WHERE is still to be tested.

        Args:
            node: The tree of FROM.
            where: What must all hold.
        """
        rows = self._rows(node, where)
        return rows, [each for each in where if not any(each is done for done in self._pushed)]

    def _rows(self, node: Node, where: Sequence[Node]) -> Rows:
        only(node, "FROM", sample=None, column_name_alias=None)
        if node["type"] == "JOIN":
            return self._join(self._rows(node["left"], where), self._rows(node["right"], ()), node)
        source, alias = self._source(node)
        columns = tuple(Column(alias, name, kind, f"{ROW}[{at}]") for at, (name, kind) in enumerate(source.columns))
        rows = Rows(source.rows, columns, table=True, stays=source.stays)
        early = [each for each in where if self._belongs(each, columns)]
        if not early:
            return rows
        self._pushed += early
        made = Expressions(self.names, Scope(columns))
        return Rows(self._put(f"[{ROW} for {ROW} in {rows.name} if {both(*map(made.true, early))}]"), columns)

    def _source(self, node: Node) -> tuple[Source, str]:
        if node["type"] == "SUBQUERY":
            return self.subquery(node["subquery"]["node"]), node["alias"].lower()
        if node["type"] != "BASE_TABLE" or node["schema_name"]:
            raise Unsupported(f"FROM with {node['type'].lower().replace('_', ' ')}")
        return self.tables(node["table_name"].lower()), (node["alias"] or node["table_name"]).lower()

    def _belongs(self, condition: Node, columns: Sequence[Column]) -> bool:
        """Whether all that a condition names are these columns."""
        scope = Scope(tuple(columns))
        try:
            return all(scope.column(each["column_names"]) for each in find(condition, lambda n: n.get("class") == "COLUMN_REF"))
        except Unsupported:
            return False

    def _put(self, code: str) -> str:
        name = self.names.temporary()
        self.lines.append(f"{name} = {code}")
        return name

    def _join(self, left: Rows, right: Rows, node: Node) -> Rows:
        kind = node["join_type"]
        if kind not in JOINS or node["ref_type"] not in ("REGULAR", "CROSS"):
            raise Unsupported(f"{node['ref_type'].lower()} {kind.lower()} join")
        if not right.table:
            right = replace(right, name=self._put(f"{self.names.give(Table)}({right.name})"), table=True)
        width = len(left.columns)
        merged = {name.lower() for name in node["using_columns"]}
        theirs = tuple(
            replace(each, code=f"{OTHER}[{at}]", merged=each.name in merged) for at, each in enumerate(right.columns)
        )
        keys, tests = self._keys(left.columns, theirs, node)
        keeps = kind in ("SEMI", "ANTI")
        joined = [replace(each, code=f"{ROW}[{width + at}]") for at, each in enumerate(theirs)]
        columns = left.columns if keeps else (*left.columns, *joined)
        rows = self._narrowed(left, right, keys) if kind in ("SEMI", "INNER") else left.name
        return Rows(self._put(JOINS[kind](self, rows, self._matches(right, keys), tests, len(theirs))), columns)

    def _keys(self, ours: Sequence[Column], theirs: Sequence[Column], node: Node) -> tuple[list[tuple[int, int]], str]:
        """Places of columns that must be equal, left and right, and the code of what else must hold."""
        keys = []
        for name in node["using_columns"]:
            pair = [_place(columns, name.lower()) for columns in (ours, theirs)]
            keys.append((pair[0], pair[1]))
        made = Expressions(self.names, Scope((*ours, *theirs)))
        tests = []
        for each in conjuncts(node["condition"]):
            found = _equal(made, each)
            if found:
                keys.append(found)
            else:
                tests.append(made.true(each))
        for one, two in keys:
            if not comparable(ours[one].kind, theirs[two].kind):
                raise Unsupported(f"a join of {ours[one].kind} with {theirs[two].kind}")
        return keys, both(*tests) if tests else ""

    def _matches(self, right: Rows, keys: Sequence[tuple[int, int]]) -> str:
        """The code of the rows that the row `r` finds by its keys."""
        if not keys:
            return right.name
        index = self._put(f"{right.name}.indexed({', '.join(str(theirs) for _, theirs in keys)}).get")
        ours = ", ".join(f"{ROW}[{place}]" for place, _ in keys)
        return f"{index}({ours if len(keys) == 1 else f'({ours})'}, ())"

    def _narrowed(self, left: Rows, right: Rows, keys: Sequence[tuple[int, int]]) -> str:
        if not (left.table and left.stays and keys):
            return left.name
        ours, theirs = zip(*keys, strict=True)
        return self._put(f"{self.names.give(narrowed)}({left.name}, {ours!r}, {right.name}, {theirs!r})")


def _place(columns: Sequence[Column], name: str) -> int:
    found = [at for at, each in enumerate(columns) if each.name == name]
    if not found:
        raise Unsupported(f"the name {name} in USING")
    return found[0]


def _equal(made: Expressions, node: Node) -> tuple[int, int] | None:
    """The places of two columns, left and right, that a condition says are equal."""
    if node["type"] != "COMPARE_EQUAL" or {node["left"]["class"], node["right"]["class"]} != {"COLUMN_REF"}:
        return None
    codes = sorted(made.compile(node[side]).code for side in ("left", "right"))
    if [code[:2] for code in codes] != [f"{ROW}[", f"{OTHER}["]:
        return None
    return int(codes[0][2:-1]), int(codes[1][2:-1])


def _inner(_: From, rows: str, matches: str, tests: str, __: int) -> str:
    return f"[{ROW} + {OTHER} for {ROW} in {rows} for {OTHER} in {matches}{f' if {tests}' if tests else ''}]"


def _left(made: From, rows: str, matches: str, tests: str, width: int) -> str:
    name, own, nulls = made.names.temporary(), made.names.temporary(), made.names.give(((None,) * width,))
    made.lines.append(f"{name} = []")
    found = f"[{OTHER} for {OTHER} in {matches}{f' if {tests}' if tests else ''}]"
    more = f"{name} += [{ROW} + {OTHER} for {OTHER} in {own} or {nulls}]"
    made.lines.append(f"for {ROW} in {rows}:\n        {own} = {found}\n        {more}")
    return name


def _semi(_: From, rows: str, matches: str, tests: str, __: int) -> str:
    return f"[{ROW} for {ROW} in {rows} if {_any(matches, tests)}]"


def _anti(_: From, rows: str, matches: str, tests: str, __: int) -> str:
    return f"[{ROW} for {ROW} in {rows} if not {_any(matches, tests)}]"


def _any(matches: str, tests: str) -> str:
    return f"any([True for {OTHER} in {matches} if {tests}])" if tests else f"{matches}"


JOINS: Final[dict[str, Callable[[From, str, str, str, int], str]]] = {
    "INNER": _inner,
    "LEFT": _left,
    "SEMI": _semi,
    "ANTI": _anti,
}

"""SELECTs as statements of a Python function.

What belongs here: common table expressions, unions, and the order in which a SELECT's parts work. What does not: FROM
(`joins`), expressions, aggregates, windows. A row grows to the right: first the columns of FROM, then what was computed of
groups, windows and UNNEST, so that whatever comes later reads it by its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.rules.compiled.aggregates import aggregate, is_aggregate
from wow_flywheel.rules.compiled.expressions import Expressions
from wow_flywheel.rules.compiled.joins import From, Source
from wow_flywheel.rules.compiled.kinds import Expr, Kind, Names, both
from wow_flywheel.rules.compiled.lists import unnested
from wow_flywheel.rules.compiled.scopes import ROW, Column, Scope, read
from wow_flywheel.rules.compiled.tables import Table
from wow_flywheel.rules.compiled.tree import Node, Unsupported, arguments, conjuncts, find, key, only
from wow_flywheel.rules.compiled.windows import is_window, window

UNNESTS: Final = frozenset({"unnest", "generate_subscripts"})
ALL: Final = "FORCE_AGGREGATES"


@dataclass(slots=True)
class Selects:
    """Compiles the SELECTs of one file.

    Args:
        names: Of the generated function.
        known: Relations by name.
    """

    names: Names
    known: Mapping[str, Source]
    lines: list[str] = field(default_factory=list)

    def compile(self, node: Node) -> Source:
        """The statements of a query are added to `lines`.

        Raises:
            Unsupported: Something in it is not compiled.
        """
        inner = Selects(self.names, dict(self.known), self.lines)
        for each in node["cte_map"]["map"]:
            query = each["value"].get("query_node") or each["value"]["query"]["node"]
            only(each["value"], "WITH", aliases=None, key_targets=None)
            inner.known = {**inner.known, each["key"].lower(): inner.compile(query)}
        if node["type"] == "SET_OPERATION_NODE":
            return inner._union(node)
        if node["type"] != "SELECT_NODE":
            raise Unsupported(node["type"].lower().replace("_", " "))
        return _Select(inner, node).compile()

    def table(self, name: str) -> Source:
        """What a table's name stands for."""
        if name not in self.known:
            raise Unsupported(f"the relation {name}")
        return self.known[name]

    def put(self, code: str) -> str:
        """Keep a value under a name."""
        name = self.names.temporary()
        self.lines.append(f"{name} = {code}")
        return name

    def _union(self, node: Node) -> Source:
        only(node, "UNION", modifiers=None)
        if node["setop_type"] != "UNION" or not node["setop_all"]:
            raise Unsupported("UNION without ALL" if node["setop_type"] == "UNION" else node["setop_type"])
        parts = [self.compile(each) for each in node["children"]]
        kinds = [_one_kind({part.columns[at][1] for part in parts}) for at in range(len(parts[0].columns))]
        rows = self.put(f"{self.names.give(Table)}([{', '.join(f'*{part.rows}' for part in parts)}])")
        return Source(rows, tuple((name, kind) for (name, _), kind in zip(parts[0].columns, kinds, strict=True)))


def _one_kind(kinds: set[Kind]) -> Kind:
    there = kinds - {"null"}
    if len(there) > 1:
        raise Unsupported(f"UNION of {' and '.join(sorted(map(str, there)))}")
    return there.pop() if there else "null"


class _Select:
    """One SELECT under way."""

    def __init__(self, made: Selects, node: Node) -> None:
        for each in node["modifiers"]:
            if each["type"] != "DISTINCT_MODIFIER" or each["distinct_on_targets"]:
                raise Unsupported(each["type"].lower().replace("_", " "))
        only(node, "SELECT", sample=None)
        self.made, self.node, self.names = made, node, made.names
        source = From(self.names, made.table, made.compile, made.lines)
        rows, self.where = source.compile(node["from_table"], conjuncts(node["where_clause"]))
        self.rows, self.columns, self.width = rows.name, rows.columns, len(rows.columns)
        self.items = [item for each in node["select_list"] for item in self._items(each)]
        self.aliases = {name: each for name, each in self.items if not isinstance(each, Column)}
        self.slots: dict[str, Expr] = {}

    def _items(self, node: Node) -> list[tuple[str, Node | Column]]:
        if node["class"] != "STAR":
            return [((node["alias"] or _name(node)).lower(), node)]
        only(
            node,
            "*",
            exclude_list=None,
            replace_list=None,
            rename_list=None,
            columns=False,
            expr=None,
            relation_name=node["relation_name"],
        )
        return [(each.name, each) for each in Scope(self.columns).star(node["relation_name"])]

    @property
    def expressions(self) -> Expressions:
        return Expressions(self.names, Scope(self.columns, aliases=self.aliases, slots=self.slots))

    def compile(self) -> Source:
        nodes = [each for _, each in self.items if not isinstance(each, Column)]
        for step in (self._group, self._windows, self._unnest):
            step(nodes)
        made = [read(each) if isinstance(each, Column) else self.expressions.compile(each) for _, each in self.items]
        rows = f"({''.join(f'{each.code}, ' for each in made)}) for {ROW} in {self.rows}{self._test()}"
        table = self.names.give(Table)
        distinct = f"{table}(dict.fromkeys([{rows}]))" if self.node["modifiers"] else f"{table}([{rows}])"
        return Source(
            self.made.put(distinct), tuple((name, each.kind) for (name, _), each in zip(self.items, made, strict=True))
        )

    def _test(self) -> str:
        """What of WHERE is still to be tested, as the end of a comprehension."""
        tests, self.where = list(map(self.expressions.true, self.where)), []
        return f" if {both(*tests)}" if tests else ""

    def _keep(self, tests: list[Node]) -> None:
        self.where += tests
        if self.where:
            self.rows = self.made.put(f"[{ROW} for {ROW} in {self.rows}{self._test()}]")

    def _slot(self, node: Node, kind: Kind) -> None:
        self.slots[key(node)] = read(Column("", "", kind, f"{ROW}[{self.width}]"))
        self.width += 1

    def _group(self, nodes: list[Node]) -> None:
        """GROUP BY and HAVING: a group becomes its first row with the aggregates after it."""
        found = list(find([nodes, self.node["having"], self.node["qualify"]], is_aggregate))
        keys = self._keys()
        if not found and keys is None:
            return
        self._keep([])
        groups, group, lines = self.names.temporary(), self.names.temporary(), self.made.lines
        if keys:
            lines.append(f"{groups} = {{}}")
            codes = "".join(f"{each.code}, " for each in keys)
            lines.append(f"for {ROW} in {self.rows}: {groups}.setdefault(({codes}), []).append({ROW})")
        else:
            lines.append(f"{groups} = {{(): {self.rows}}}")
        self._aggregate({key(each): each for each in found}, groups, group)
        self._keep(conjuncts(self.node["having"]))

    def _aggregate(self, found: Mapping[str, Node], groups: str, group: str) -> None:
        rows, body, codes, kinds = self.names.temporary(), [], [], []
        for each in found.values():
            before, code, kind = aggregate(self.expressions, each, group)
            body += before
            codes.append(code)
            kinds.append(kind)
        first = f"({group}[0] if {group} else {(None,) * self.width!r})"
        body.append(f"{rows}.append({first} + ({''.join(f'{code}, ' for code in codes)}))")
        self.made.lines.append(f"{rows} = []")
        self.made.lines.append("\n        ".join([f"for {group} in {groups}.values():", *body]))
        for each, kind in zip(found.values(), kinds, strict=True):
            self._slot(each, kind)
        self.rows = rows

    def _keys(self) -> list[Expr] | None:
        """What is grouped by; None if nothing is said."""
        if len(self.node["group_sets"]) > 1:
            raise Unsupported("GROUPING SETS")
        if self.node["aggregate_handling"] == ALL:
            plain = [each for _, each in self.items if isinstance(each, Column) or not any(find(each, is_aggregate))]
            return [read(each) if isinstance(each, Column) else self.expressions.compile(each) for each in plain]
        written = self.node["group_expressions"]
        if any(each["class"] == "CONSTANT" for each in written):
            raise Unsupported("GROUP BY with a literal")
        return [self.expressions.compile(each) for each in written] if written else None

    def _windows(self, nodes: list[Node]) -> None:
        """Window functions and QUALIFY."""
        found = {key(each): each for each in find([nodes, self.node["qualify"]], is_window)}
        if found:
            self._keep([])
            partitions: dict[str, str] = {}
            made = [window(self.expressions, each, self.rows, partitions) for each in found.values()]
            for lines, _, _ in made:
                self.made.lines.extend(lines)
            values = ", ".join(name for _, name, _ in made)
            self.rows = self.made.put(f"[{ROW} + w for {ROW}, w in zip({self.rows}, zip({values}))]")
            for each, (_, _, kind) in zip(found.values(), made, strict=True):
                self._slot(each, kind)
        if self.node["qualify"]:
            self._keep(conjuncts(self.node["qualify"]))

    def _unnest(self, nodes: list[Node]) -> None:
        """UNNEST in the SELECT list: several of them go side by side."""
        found = {key(each): each for each in find(nodes, _is_unnest)}
        if not found:
            return
        self._keep([])
        lists = [self._list(each) for each in found.values()]
        rows, codes = self.names.temporary(), ", ".join(code for code, _ in lists)
        self.made.lines.append(f"{rows} = []")
        give = self.names.give(unnested)
        self.made.lines.append(f"for {ROW} in {self.rows}:\n        {rows} += map({ROW}.__add__, {give}({codes}))")
        for each, (_, kind) in zip(found.values(), lists, strict=True):
            self._slot(each, kind)
        self.rows = rows

    def _list(self, node: Node) -> tuple[str, Kind]:
        part = self.expressions.compile(arguments(node)[0])
        if part.kind[0] != "list":
            raise Unsupported(f"{node['function_name']} of a {part.kind}")
        if node["function_name"] == "unnest":
            return part.code, part.kind[1]
        return f"range(1, len({part.code} or ()) + 1)", "int"


def _is_unnest(node: Node) -> bool:
    return node.get("class") == "FUNCTION" and node.get("function_name") in UNNESTS


def _name(node: Node) -> str:
    return str(node["column_names"][-1] if node["class"] == "COLUMN_REF" else node.get("function_name", ""))

"""Which names an expression may use: columns of relations, elements that a lambda goes over, what the SELECT list names.

What belongs here: finding what a name means, by DuckDB's rules. What does not: anything else about expressions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wow_flywheel.rules.compiled.kinds import Expr, Kind, valued
from wow_flywheel.rules.compiled.tree import Node, Unsupported

ROW: Final = "r"
"""What generated code calls the row at hand."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source: the alias of the source, its name, what it holds, and the code that reads it.

    `merged` is a column that USING joined to one of the same name before it.
    """

    source: str
    name: str
    kind: Kind
    code: str
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean.

    Attributes:
        columns: Of all sources, in order.
        variables: Elements, by their lambda's name for them.
        aliases: What the SELECT list calls something, which holds where no column has that name.
        slots: What was computed for the row already, by the key of its node.
    """

    columns: tuple[Column, ...]
    variables: Mapping[str, Expr] = field(default_factory=dict)
    aliases: Mapping[str, Node] = field(default_factory=dict)
    slots: Mapping[str, Expr] = field(default_factory=dict)

    def with_variable(self, name: str, element: Expr) -> "Scope":
        """The scope inside a lambda."""
        return replace(self, variables={**self.variables, name.lower(): element})

    def column(self, path: Sequence[str]) -> Expr | None:
        """What a path of names means; None if it is at most an alias.

        Raises:
            Unsupported: Nothing has that name, or several things have.
        """
        names = [name.lower() for name in path]
        if names[0] in self.variables:
            return _fields(self.variables[names[0]], names[1:])
        if len(names) > 1 and any(each.source == names[0] for each in self.columns):
            return _fields(self._one([each for each in self.columns if each.source == names[0]], names[1]), names[2:])
        if any(each.name == names[0] for each in self.columns):
            return _fields(self._one([each for each in self.columns if not each.merged], names[0]), names[1:])
        if len(names) == 1 and names[0] in self.aliases:
            return None
        raise Unsupported(f"the name {'.'.join(path)}")

    def star(self, source: str) -> list[Column]:
        """The columns that `*` or `source.*` stands for."""
        if source:
            return [each for each in self.columns if each.source == source.lower()]
        return [each for each in self.columns if not each.merged]

    def _one(self, columns: Sequence[Column], name: str) -> Expr:
        found = [each for each in columns if each.name == name]
        if len(found) != 1:
            raise Unsupported(f"the name {name}, which {len(found)} columns have")
        return read(found[0])


def read(column: Column) -> Expr:
    """A column's value in the row at hand."""
    return valued(column.code, column.kind, plain=True)


def _fields(value: Expr, names: Sequence[str]) -> Expr:
    """A field of a field of a struct."""
    for name in names:
        structs: Any = value.kind[1] if value.kind[0] == "struct" else ()
        fields = [(each.lower(), kind) for each, kind in structs]
        place = next((at for at, (each, _) in enumerate(fields) if each == name), None)
        if place is None:
            raise Unsupported(f"the field {name} of a {value.kind}")
        value = valued(f"(None if {value.code} is None else {value.code}[{place}])", fields[place][1])
    return value

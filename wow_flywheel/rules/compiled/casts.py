"""Literals and casts.

What belongs here: which of them are compiled. What does not: what a cast does at run time (`scalars`).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from wow_flywheel.rules.compiled import scalars
from wow_flywheel.rules.compiled.functions import strict
from wow_flywheel.rules.compiled.kinds import Expr, Kind, Names
from wow_flywheel.rules.compiled.tree import Node, Unsupported

LITERALS: Final[Mapping[str, tuple[Callable[[str], Any], Kind]]] = {
    "INTEGER": (int, "int"),
    "STRING": (str, "text"),
    "BOOLEAN": (lambda text: text == "true", "bool"),
    "NUMERIC": (Decimal, "literal"),
}
CASTS: Final[dict[tuple[Kind, str], tuple[Kind, Callable[[Any], Any]]]] = {
    ("int", "VARCHAR"): ("text", str),
    ("text", "VARCHAR"): ("text", str),
    ("text", "INTEGER"): ("int", scalars.to_integer),
    ("int", "BIGINT"): ("int", int),
    ("text", "DECIMAL('38', '4')"): ("dec", scalars.to_decimal),
    ("literal", "DOUBLE"): ("float", float),
    ("int", "DOUBLE"): ("float", float),
}


def literal(names: Names, node: Node) -> Expr:
    """A literal.

    Raises:
        Unsupported: It is of another kind than `LITERALS`.
    """
    kind, text = node["literal"]["kind"], node["literal"].get("text", "")
    if kind == "NULL_LITERAL":
        return names.constant(None, "null")
    if kind not in LITERALS:
        raise Unsupported(f"a literal of kind {kind}")
    read, named = LITERALS[kind]
    return names.constant(read(text), named)


def cast(names: Names, part: Expr, node: Node) -> Expr:
    """A CAST or TRY_CAST of an expression.

    Raises:
        Unsupported: It is not one of `CASTS`.
    """
    wanted = node["type_expr"]
    sizes = [each.get("literal", {}).get("text") for each in wanted.get("children", [])]
    target = f"{wanted['type_name'].upper()}{tuple(sizes) if sizes else ''}"
    kind, change = CASTS.get((part.kind, target), (None, None))
    if kind is None or change is None:
        raise Unsupported(f"a cast of {part.kind} to {target}")
    if part.constant:
        return names.constant(None if part.value is None else change(part.value), kind)
    tried = change in (scalars.to_decimal, scalars.to_integer)
    function = scalars.surely(change) if tried and not node["try_cast"] else change
    return strict(names, [part], function, kind, nullable=tried)

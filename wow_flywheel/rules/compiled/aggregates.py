"""Aggregates as code over the rows of a group.

What belongs here: which aggregates are compiled, FILTER and ORDER BY in them. What does not: GROUP BY (`selects`), what the
code does (`folds`).
"""

from collections.abc import Sequence
from typing import Final

from wow_flywheel.rules.compiled import folds, functions
from wow_flywheel.rules.compiled.expressions import Expressions
from wow_flywheel.rules.compiled.kinds import Expr, Kind
from wow_flywheel.rules.compiled.scopes import ROW
from wow_flywheel.rules.compiled.tree import Node, Unsupported, arguments

OTHERS: Final = frozenset({"count_star", "first", "arg_min", "arg_max", "string_agg"})
AGGREGATES: Final = OTHERS | frozenset(folds.STEPS)


def is_aggregate(node: Node) -> bool:
    """Whether a node is an aggregate over a group."""
    return node.get("class") == "FUNCTION" and node.get("function_name", "").lower() in AGGREGATES


def aggregate(made: Expressions, node: Node, group: str) -> tuple[list[str], str, Kind]:
    """An aggregate: statements that go before it, its code, and its kind.

    Args:
        made: What compiles its arguments, for the row `r`.
        node: See `is_aggregate`.
        group: The name of the group's rows.
    """
    if node["distinct"]:
        raise Unsupported(f"{node['function_name']}(DISTINCT …)")
    before, rows = _sorted(made, node["order_bys"]["orders"], group)
    test = f" if {made.true(node['filter'])}" if node["filter"] else ""
    rows = f"for {ROW} in {rows}{test}"
    code, kind = _code(made, node["function_name"].lower(), [made.compile(each) for each in arguments(node)], rows)
    return before, code, kind


def _code(made: Expressions, name: str, parts: Sequence[Expr], rows: str) -> tuple[str, Kind]:
    give = made.names.give
    if name == "count_star":
        return f"sum([1 {rows}])", "int"
    if name in ("arg_min", "arg_max"):
        function = give(folds.at_least if name == "arg_min" else folds.at_most)
        return f"{function}([({parts[0].code}, {parts[1].code}) {rows}])", parts[0].kind
    values = f"[{parts[0].code} {rows}]"
    if name == "first":
        return f"{give(folds.first)}({values})", parts[0].kind
    if name == "string_agg":
        separator = functions.constant(parts[1], "a separator") if len(parts) > 1 else ","
        if parts[0].kind != "text":
            raise Unsupported(f"string_agg of {parts[0].kind}")
        return f"{give(folds.strung)}({values}, {give(separator)})", "text"
    if name == "sum" and parts[0].kind != "int":
        raise Unsupported(f"sum of {parts[0].kind}")
    step, start = folds.STEPS[name]
    return f"{give(folds.fold)}({values}, {give(step)}, {start!r})", "int" if name == "count" else parts[0].kind


def _sorted(made: Expressions, orders: Sequence[Node], rows: str) -> tuple[list[str], str]:
    if not orders:
        return [], rows
    name = made.names.temporary()
    return [f"{name} = {made.names.give(folds.ordered)}({rows}, {keys(made, orders)})"], name


def keys(made: Expressions, orders: Sequence[Node]) -> str:
    """The code of `folds.Keys` for an ORDER BY.

    Raises:
        Unsupported: It puts NULLs elsewhere than last.
    """
    parts = []
    for each in orders:
        if each["null_order"] not in ("ORDER_DEFAULT", "NULLS LAST"):
            raise Unsupported("NULLS FIRST")
        parts.append(f"(lambda {ROW}: {made.compile(each['expression']).code}, {each['type'] == 'DESCENDING'}), ")
    return f"({''.join(parts)})"

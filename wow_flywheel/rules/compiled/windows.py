"""Window functions as code over the rows that WHERE and GROUP BY leave.

What belongs here: which window functions and frames are compiled. What does not: what the code does (`frames`).
"""

from collections.abc import Mapping
from typing import Any, Final

from wow_flywheel.rules.compiled import folds, frames
from wow_flywheel.rules.compiled.aggregates import keys
from wow_flywheel.rules.compiled.expressions import Expressions
from wow_flywheel.rules.compiled.kinds import Expr, Kind
from wow_flywheel.rules.compiled.scopes import ROW
from wow_flywheel.rules.compiled.tree import Node, Unsupported, arguments, key, only

BOUNDS: Final = {"EXPR_PRECEDING_ROWS": -1, "EXPR_FOLLOWING_ROWS": 1}
UNBOUNDED: Final = {"UNBOUNDED_PRECEDING", "UNBOUNDED_FOLLOWING"}


def is_window(node: Node) -> bool:
    """Whether a node is a window function."""
    return node.get("class") == "WINDOW"


def window(made: Expressions, node: Node, rows: str, partitions: dict[str, str]) -> tuple[list[str], str, Kind]:
    """A window function: statements, the name of its values (one a row), and their kind.

    Args:
        made: What compiles its arguments, for the row `r`.
        node: See `is_window`.
        rows: The name of the rows.
        partitions: Names of the partitions that statements made already; others are added.
    """
    only(node, f"{node['function_name']} OVER", distinct=False, filter_expr=None, exclude_clause="NO_OTHER", arg_orders=[])
    lines, parts = _partitions(made, node, rows, partitions)
    values, name = made.names.temporary(), made.names.temporary()
    inner = [made.compile(each) for each in arguments(node)]
    argument = inner[0] if inner else made.names.constant(1, "int")
    if len(inner) > 1 or node["offset_expr"] or node["default_expr"]:
        raise Unsupported(f"{node['function_name']} with more than one argument")
    lines.append(f"{values} = [{argument.code} for {ROW} in {rows}]")
    lines.append(f"{name} = {_call(made, node, parts, values)}")
    return lines, name, _kind(node, argument)


def _kind(node: Node, argument: Expr) -> Kind:
    counts = node["type"] == "WINDOW_ROW_NUMBER" or node["function_name"] in ("count", "count_star")
    return "int" if counts else argument.kind


def _call(made: Expressions, node: Node, parts: str, values: str) -> str:
    give, kind = made.names.give, node["type"]
    if kind == "WINDOW_ROW_NUMBER":
        return f"{give(frames.numbered)}({parts}, {values})"
    if kind in ("WINDOW_LAG", "WINDOW_LEAD") and not node["ignore_nulls"]:
        return f"{give(frames.shifted)}({parts}, {values}, {-1 if kind == 'WINDOW_LAG' else 1})"
    step, start = _step(node, _frame(node))
    return f"{give(frames.folded)}({parts}, {values}, {give(step)}, {start!r}, {_frame(node)!r})"


def _step(node: Node, frame: frames.Frame) -> tuple[Any, Any]:
    """The step of a window function; over a frame without an end it runs backward, so that first and last change places."""
    backward = frame[0] is not None and frame[1] is None
    kind, name = node["type"], node["function_name"]
    if kind in ("WINDOW_FIRST_VALUE", "WINDOW_LAST_VALUE"):
        if not node["ignore_nulls"]:
            raise Unsupported(f"{name} that does not ignore NULLs")
        keeps = (kind == "WINDOW_FIRST_VALUE") != backward
        return (folds.first_there if keeps else folds.last_there), None
    names: Mapping[str, str] = {"count_star": "count"}
    wanted = names.get(name, name)
    if kind != "WINDOW_AGGREGATE" or wanted not in folds.STEPS or wanted == "any_value" or node["ignore_nulls"]:
        raise Unsupported(f"{name} OVER")
    return folds.STEPS[wanted]


def _frame(node: Node) -> frames.Frame:
    start, end = node["start"], node["end"]
    if end == "CURRENT_ROW_RANGE" and start == "UNBOUNDED_PRECEDING":
        return None, 0, True
    return _bound(node, start, "start_expr"), _bound(node, end, "end_expr"), False


def _bound(node: Node, kind: str, place: str) -> int | None:
    if kind in UNBOUNDED:
        return None
    if kind == "CURRENT_ROW_ROWS":
        return 0
    literal = (node[place] or {}).get("literal", {})
    if kind not in BOUNDS or literal.get("kind") != "INTEGER":
        raise Unsupported(f"a frame that is bound by {kind.lower().replace('_', ' ')}")
    return BOUNDS[kind] * int(literal["text"])


def _partitions(made: Expressions, node: Node, rows: str, known: dict[str, str]) -> tuple[list[str], str]:
    what = key([node["partitions"], node["orders"]])
    if what in known:
        return [], known[what]
    name = known[what] = made.names.temporary()
    parts = "".join(f"{made.compile(each).code}, " for each in node["partitions"])
    part = f"lambda {ROW}: ({parts})" if parts else "None"
    return [f"{name} = {made.names.give(frames.partitioned)}({rows}, {part}, {keys(made, node['orders'])})"], name

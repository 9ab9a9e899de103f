"""A file's SELECT as the tree that DuckDB's own parser makes of it.

What belongs here: parsing, comparing nodes, refusing. What does not: what a node means (`expressions`, `selects`).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import duckdb

from wow_flywheel.errors import QueryError
from wow_flywheel.queries import Query

Node = dict[str, Any]
PLACES: Final = frozenset({"query_location", "query_location_length", "alias"})


class Unsupported(Exception):
    """A construct that is not compiled; DuckDB runs it."""


def parse(connection: duckdb.DuckDBPyConnection, query: Query) -> Node:
    """The query node of a file, its parameters written into it.

    Raises:
        QueryError: The text is not one SELECT.
    """
    row = connection.execute("SELECT json_serialize_sql($sql)", {"sql": query.text()}).fetchall()[0]
    tree = json.loads(row[0])
    if tree["error"] or len(tree["statements"]) != 1:
        raise QueryError(
            f"sql/{query.name}.sql is not one SELECT: {tree.get('error_message', 'several statements')}",
            hint="run its test, or fix the SQL",
        )
    node: Node = tree["statements"][0]["node"]
    return node


def key(node: Any) -> str:
    """The same text for two nodes that mean the same in the same place."""
    return json.dumps(_plain(node), sort_keys=True)


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _plain(value) for name, value in node.items() if name not in PLACES}
    return [_plain(each) for each in node] if isinstance(node, list) else node


def find(node: Any, wanted: Callable[[Node], bool]) -> Iterator[Node]:
    """The outermost nodes of an expression that are wanted, in order."""
    if isinstance(node, dict):
        if wanted(node):
            yield node
            return
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from find(each, wanted)


def arguments(node: Node) -> list[Node]:
    """A function's arguments.

    Raises:
        Unsupported: It is called in a way that is not compiled.
    """
    return [each["expression"] for each in node["arguments"]]


def conjuncts(node: Node | None) -> list[Node]:
    """The parts of a condition that must all hold."""
    if node is None:
        return []
    if node["type"] == "CONJUNCTION_AND":
        return [part for child in node["children"] for part in conjuncts(child)]
    return [node]


def only(node: Node, what: str, **allowed: Any) -> None:
    """Refuse a node with a field that is set to something else than what is compiled.

    Raises:
        Unsupported: Names what it is.
    """
    for name, value in allowed.items():
        if node.get(name) not in (None, [], "", False, value):
            raise Unsupported(f"{what} with {name.replace('_', ' ')}")

"""JSON types of log lines, as DuckDB's `json_structure` gives them: which of them a reader of many lines covers.

What belongs here: comparing a structure with what is expected, and what `json_transform` is given. What does not: the expected
structures of each format.
"""

from typing import Any, Final

TEXT: Final = frozenset({"VARCHAR", "NULL"})
NUMBER: Final = frozenset({"UBIGINT", "BIGINT", "DOUBLE", "NULL"})
TOKENS: Final = frozenset({"UBIGINT", "NULL"})
TIME: Final = frozenset({"VARCHAR", "UBIGINT", "DOUBLE", "NULL"})
NOTHING: Final = frozenset({"NULL"})
ANY: Final = frozenset({"ANY"})
"""Allowed, whatever it holds, and not read."""
_DUCKDB: Final = {TEXT: "VARCHAR", NUMBER: "DOUBLE", TOKENS: "BIGINT", TIME: "VARCHAR"}


OTHERS: Final = "*"
"""As a key of what is expected: other keys are allowed and not read. Without it they are refused."""
EMPTY: Final = "?"
"""As a key of what is expected: an object without keys is covered too. DuckDB calls it JSON, as it does what is of
several types in a line, so a query that allows it must look at those."""


def fits(found: Any, expected: Any) -> bool:
    """Whether a structure is covered.

    Args:
        found: A structure of `json_structure`, decoded.
        expected: Nested dicts and lists of the sets above.
    """
    if found == "NULL" or expected is ANY:
        return True
    if isinstance(expected, dict):
        if found == "JSON" and EMPTY in expected:
            return True
        if not isinstance(found, dict) or not (OTHERS in expected or set(found) <= set(expected)):
            return False
        return all(fits(found[name], expected[name]) for name in found if name in expected)
    if isinstance(expected, list):
        return isinstance(found, list) and all(fits(each, expected[0]) for each in found)
    return isinstance(found, str) and found in expected


def transform(expected: Any) -> Any:
    """The structure to which `json_transform` turns lines: what is read of them."""
    if isinstance(expected, dict):
        read = {name: transform(each) for name, each in expected.items()}
        return {name: each for name, each in read.items() if each is not None} or None
    if isinstance(expected, list):
        inner = transform(expected[0])
        return None if inner is None else [inner]
    return _DUCKDB.get(expected)

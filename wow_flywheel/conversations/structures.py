"""JSON types of log lines, as DuckDB's `json_structure` gives them: which of them a reader of many lines covers.

What belongs here: comparing a structure with what is expected, and what `json_transform` is given. What does not: the expected
structures of each format.
"""

from dataclasses import dataclass
from typing import Any, Final

TEXT: Final = frozenset({"VARCHAR", "NULL"})
NUMBER: Final = frozenset({"UBIGINT", "BIGINT", "DOUBLE", "NULL"})
TOKENS: Final = frozenset({"UBIGINT", "NULL"})
NAME: Final = frozenset({"VARCHAR", "UBIGINT", "NULL"})
TIME: Final = frozenset({"VARCHAR", "UBIGINT", "DOUBLE", "NULL"})
NOTHING: Final = frozenset({"NULL"})
ANY: Final = frozenset({"ANY"})
"""Allowed, whatever it holds, and not read."""
AS_TEXT: Final = frozenset({"AS TEXT"})
"""Allowed, whatever it holds, and read as text: JSON where it is none. A query that reads it must look at what it is."""
FLAG: Final = frozenset({"VARCHAR", "BOOLEAN", "NULL"})
_DUCKDB: Final = {
    TEXT: "VARCHAR",
    NAME: "VARCHAR",
    AS_TEXT: "VARCHAR",
    FLAG: "VARCHAR",
    NUMBER: "DOUBLE",
    TOKENS: "BIGINT",
    TIME: "VARCHAR",
}

REMEMBERED: Final = 10_000
"""Structures of which a reader remembers whether it covers them. One writer's lines have few, unless values stand as keys."""
OTHERS: Final = "*"
"""As a key of what is expected, with `ANY` or `Unless`: other keys are allowed and not read. Without it they are refused."""
EMPTY: Final = "?"
"""As a key of what is expected: an object without keys is covered too. DuckDB calls it JSON, as it does what is of
several types in a line, so a query that allows it must look at those."""


@dataclass(frozen=True, slots=True)
class Unless:
    """Other keys are allowed, but for those that the careful reader reads.

    Attributes:
        read: Their names. Names that begin with a capital, or have a dot, are refused as well: readers spell those otherwise.
    """

    read: frozenset[str]

    def allows(self, name: str) -> bool:
        """Whether nobody reads a key of this name."""
        return name not in self.read and not name[:1].isupper() and "." not in name


def fits(found: Any, expected: Any) -> bool:
    """Whether a structure is covered.

    Args:
        found: A structure of `json_structure`, decoded.
        expected: Nested dicts and lists of the sets above.
    """
    if found == "NULL" or expected is ANY or expected is AS_TEXT:
        return True
    if isinstance(expected, dict):
        if found == "JSON" and EMPTY in expected:
            return True
        if not isinstance(found, dict) or not all(name in expected or _ignored(name, expected) for name in found):
            return False
        return all(fits(found[name], expected[name]) for name in found if name in expected)
    if isinstance(expected, list):
        return isinstance(found, list) and all(fits(each, expected[0]) for each in found)
    return isinstance(found, str) and found in expected


def _ignored(name: str, expected: dict[str, Any]) -> bool:
    others = expected.get(OTHERS)
    return others.allows(name) if isinstance(others, Unless) else others is not None


def transform(expected: Any) -> Any:
    """The structure to which `json_transform` turns lines: what is read of them."""
    if isinstance(expected, dict):
        read = {name: transform(each) for name, each in expected.items()}
        return {name: each for name, each in read.items() if each is not None} or None
    if isinstance(expected, list):
        inner = transform(expected[0])
        return None if inner is None else [inner]
    return None if isinstance(expected, Unless) else _DUCKDB.get(expected)

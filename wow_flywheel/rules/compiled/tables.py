"""Relations at run time: rows as tuples, with the indexes that joins ask for.

What belongs here: rows, indexes. What does not: the code that reads them (`joins`, `selects`).
"""

from typing import Any

Row = tuple[Any, ...]


class Table(list[Row]):
    """Rows; an index is made when it is first asked for, so that what stays for many conversations is indexed once."""

    __slots__ = ("_indexes",)

    def indexed(self, *places: int) -> dict[Any, list[Row]]:
        """Rows by the values of some columns, as a tuple where they are several; rows with a NULL among them match nothing."""
        indexes: dict[tuple[int, ...], dict[Any, list[Row]]] = getattr(self, "_indexes", None) or {}
        self._indexes = indexes
        if places not in indexes:
            made: dict[Any, list[Row]] = {}
            for row in self:
                key = tuple(row[place] for place in places)
                if None not in key:
                    made.setdefault(key if len(key) > 1 else key[0], []).append(row)
            indexes[places] = made
        return indexes[places]


def narrowed(rows: Table, places: tuple[int, ...], others: Table, other_places: tuple[int, ...]) -> list[Row]:
    """The rows that some others match: found by the others, since `rows` are many and stay."""
    index = rows.indexed(*places)
    return [row for key in others.indexed(*other_places) for row in index.get(key, ())]

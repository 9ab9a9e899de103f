"""The beginning of a JSON Lines file.

What belongs here: which lines count. What does not: what stands in them (`offline`, `general`).
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path


def first_lines(path: Path, limit: int) -> Iterator[tuple[int, str]]:
    """The first `limit` lines that are not blank, each with its number, counted from 1 with the blank ones."""
    with path.open(encoding="utf-8") as file:
        yield from islice(((number, line) for number, line in enumerate(file, 1) if line.strip()), limit)

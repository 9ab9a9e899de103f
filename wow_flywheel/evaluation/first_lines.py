"""Some lines of a JSON Lines file: its beginning, or a draw.

What belongs here: which lines count. What does not: what stands in them (`offline`, `general`).
"""

import heapq
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path


def first_lines(path: Path, limit: int) -> Iterator[tuple[int, str]]:
    """The first `limit` lines that are not blank, each with its number, counted from 1 with the blank ones."""
    with path.open(encoding="utf-8") as file:
        yield from islice(((number, line) for number, line in enumerate(file, 1) if line.strip()), limit)


def drawn_lines(path: Path, limit: int) -> list[tuple[int, str]]:
    """`limit` of the lines that are not blank, by the hash of their text, in the file's order, each with its number.

    A file that is sorted by day or by name is thus met evenly; the same lines are drawn whoever asks, and of a file that has
    grown mostly those of before.
    """
    with path.open(encoding="utf-8") as file:
        hashed = ((sha256(line.encode()).digest(), number, line) for number, line in enumerate(file, 1) if line.strip())
        drawn = heapq.nsmallest(limit, hashed)
    return sorted((number, line) for _, number, line in drawn)

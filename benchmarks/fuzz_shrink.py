"""Making the input of a failure small, and telling failures apart.

What belongs here: halving files and bytes while the failure stays. What does not: what a failure is (`fuzz_readers`).
"""

import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

Files = dict[str, bytes]
Item = TypeVar("Item")
TRIES: Final = 80
"""Readings that one failure may cost."""


def signature(error: BaseException) -> str:
    """What tells a failure from others: the kind of error, and the last places in our own code that it went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "wow_flywheel/" in frame.filename]
    places = [f"{frame.filename.rpartition('wow_flywheel/')[2]}:{frame.name}" for frame in frames[-3:]]
    said = str(error)[:200] if isinstance(error, AssertionError) else ""
    return " ".join([type(error).__name__, said, *places]).replace("  ", " ")


def shrink(files: Files, fails: Callable[[Files], bool]) -> Files:
    """Fewer files with fewer bytes that still fail.

    Args:
        files: By name.
        fails: Whether some files show the same failure.
    """
    tries = iter(range(TRIES))
    names = _fewer(list(files), lambda some: fails({name: files[name] for name in some}), tries)
    small = {name: files[name] for name in names}
    for name in names:
        small[name] = _smaller(small[name], partial(_fails_with, small, name, fails), tries)
    return small


def _fails_with(files: Files, name: str, fails: Callable[[Files], bool], data: bytes) -> bool:
    return fails(files | {name: data})


def _smaller(data: bytes, fails: Callable[[bytes], bool], tries: Iterator[int]) -> bytes:
    """Lines left out, then bytes."""
    lines = _fewer(data.splitlines(keepends=True), lambda some: fails(b"".join(some)), tries)
    return bytes(_fewer(list(b"".join(lines)), lambda some: fails(bytes(some)), tries))


def _fewer(items: list[Item], fails: Callable[[list[Item]], bool], tries: Iterator[int]) -> list[Item]:
    """Some of the items that still fail: pieces are left out, of half the length, a quarter, and so on."""
    size = len(items) // 2 if len(items) > 1 else len(items)
    while size:
        at = 0
        while at < len(items):
            if next(tries, None) is None:
                return items
            rest = items[:at] + items[at + size :]
            if rest and fails(rest):
                items = rest
            else:
                at += size
        size //= 2
    return items

"""Cases and plain text, character by character, as DuckDB and Polars have them.

What belongs here: tables that are asked of DuckDB and Polars, a block of characters at a time, when one of it first occurs, so
that no version of Unicode can differ. What does not: regular expressions (`patterns`).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import duckdb
import polars as pl

from wow_flywheel.dialogue import normalised

BLOCK: Final = 256
COMMON: Final = [*range(0, 0x0600, BLOCK), *range(0x2000, 0x3100, BLOCK), *range(0x4E00, 0xA000, BLOCK), 0xFF00]
"""Blocks that English and Chinese text is made of."""


class Letters(dict[int, str]):
    """What each character becomes, for `str.translate`; filled when needed."""

    def __init__(self, made: Callable[[Sequence[str]], Sequence[str]]) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, code: int) -> str:
        self.fill(code)
        return self[code]

    def fill(self, code: int) -> None:
        """Ask for the block that a character is in."""
        first = code - code % BLOCK
        letters = [chr(each) for each in range(first, first + BLOCK) if not 0xD800 <= each < 0xE000]
        self.update(zip(map(ord, letters), self._made(letters), strict=True))


@cache
def cased(function: str) -> Callable[[str], str]:
    """DuckDB's `lower` or `upper`."""
    connection = duckdb.connect()

    def made(letters: Sequence[str]) -> Sequence[str]:
        call = f"SELECT list_transform($letters, lambda each: {function}(each))"
        row: list[str] = connection.execute(call, {"letters": list(letters)}).fetchall()[0][0]
        return row

    table = Letters(made)
    for code in COMMON:
        table.fill(code)

    ascii_only = str.lower if function == "lower" else str.upper

    def change(text: str) -> str:
        return ascii_only(text) if text.isascii() else text.translate(table)

    return change


def _plain(letters: Sequence[str]) -> list[str]:
    made = pl.select(normalised("a" + pl.lit(pl.Series(letters)) + "a")).to_series().to_list()
    return [each[1:-1] for each in made]


@cache
def _plain_letters() -> Letters:
    table = Letters(_plain)
    for code in COMMON:
        table.fill(code)
    return table


def plain(text: str | None) -> str:
    """`dialogue.normalised` of one text."""
    if not text:
        return ""
    if "Σ" in text:  # the only letter whose small form depends on its neighbours
        made: str = pl.select(normalised(pl.lit(text))).item()
        return made
    return " ".join(filter(None, text.translate(_plain_letters()).split(" ")))

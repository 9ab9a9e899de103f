"""Texts as sets of shingles: three words in a row, or three characters where a language writes without spaces.

What belongs here: cutting texts into words and hashing them, in numpy over whole batches. What does not: which text
(`text`), MinHash (`fingerprints`).

The hashes are this module's own and are stored, day after day, inside fingerprints: those of Polars and DuckDB may change with
their version. Changing anything here makes old fingerprints worthless: raise `VERSION`.

A word is a run of ASCII letters, digits, `_`, and two-byte UTF-8 characters (Latin, Greek, Cyrillic, Hebrew, Arabic); a
character of three or four bytes (Chinese, Japanese, Korean, Indic, Thai) is a word by itself, unless it is punctuation. Capital
letters of ASCII count as small ones.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

VERSION: Final = 1
SIZE: Final = 3
MAX_CHARS: Final = 200_000
"""Only so much of a conversation is compared for near duplicates; it bounds the memory that one text takes."""
BATCH_BYTES: Final = 1 << 16
"""Small enough that the arrays of a batch stay in the processor's cache: a third faster than a MiB at a time."""

Hashes: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.int64]

SEPARATOR, WORD, CONTINUATION, WIDE = range(4)
BASE: Final = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2⁶⁴."""
WEIGHTS: Final = (0x9FB21C651E98DF25, 0xD6E8FEB86659FD93, 0xC2B2AE3D27D4EB4F)


def _kinds() -> NDArray[np.uint8]:
    kinds = np.full(256, SEPARATOR, np.uint8)
    letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
    kinds[list(letters)] = WORD
    kinds[0x80:0xC0] = CONTINUATION
    kinds[0xC0:0xE0] = WORD
    kinds[0xE0:0xF8] = WIDE
    return kinds


def _values() -> Hashes:
    values = np.arange(1, 257, dtype=np.uint64)
    values[65:91] = values[97:123]
    return values


KINDS: Final = _kinds()
LETTERS: Final = (KINDS == WORD) | (KINDS == CONTINUATION)
FIRST_WIDE: Final = 0xE0
VALUES: Final = _values()


def shingles(texts: pl.Series, size: int = SIZE) -> Iterator[tuple[Hashes, Numbers]]:
    """Cut texts into shingles, a batch at a time.

    Args:
        texts: Strings without nulls, each of which begins with a character that is in no word.
        size: Words of a shingle; stored fingerprints have `SIZE`.

    Yields:
        For each batch of texts, in their order: the hashes of all their shingles, and where each text's begin (one more number
        than texts). Equal shingles of a text are not merged. A text of n words has n shingles: the last ones run over its end.
    """
    column = texts.str.slice(0, MAX_CHARS).to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offset_buffer, data = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    first = 0
    while first < len(column):
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + BATCH_BYTES, side="right")) - 1)
        yield _batch(content[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first], size)
        first = last


def _batch(content: NDArray[np.uint8], offsets: Numbers, size: int) -> tuple[Hashes, Numbers]:
    starts, ends = words(content)
    begins = np.searchsorted(starts, offsets)
    hashes = _word_hashes(content, starts, ends)
    return _joined(hashes, begins, size), begins


def words(content: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """Where the words of UTF-8 bytes start, and where each ends (exclusive)."""
    if not content.size or content.max() < FIRST_WIDE:
        return _spelt_words(content)
    kinds = KINDS[content]
    wide = kinds == WIDE
    separator = kinds == SEPARATOR
    after = np.ones(content.size, np.bool_)  # not inside a word: the place before is a separator, or ends a wide character
    after[1:] = separator[:-1]
    after[3:] |= wide[:-3] & (content[:-3] < 0xF0)
    after[4:] |= content[:-4] >= 0xF0
    separator |= _punctuation(content)
    start = wide | ((kinds == WORD) & after)
    places = np.flatnonzero(start | separator)
    ends = np.append(places[1:], content.size)
    is_word = start[places] & ~separator[places]
    return places[is_word], ends[is_word]


def _spelt_words(content: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """`words` where no character is a word by itself: they start and end where letters do. Takes half the time."""
    inside = np.zeros(content.size + 2, np.int8)
    inside[1:-1] = LETTERS[content]
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return edges[::2], edges[1::2]


def _punctuation(content: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """General punctuation and symbols (U+2000 to U+2FFF), CJK punctuation (U+3000 to U+303F), full-width forms."""
    following = np.append(content[1:], np.uint8(0))
    found: NDArray[np.bool_] = (
        (content == 0xE2) | ((content == 0xE3) & (following == 0x80)) | ((content == 0xEF) & (following >= 0xBC))
    )
    return found


def _word_hashes(content: NDArray[np.uint8], starts: Numbers, ends: Numbers) -> Hashes:
    """Σ value·BASEⁱ over each word, by differences of one running sum, then mixed."""
    powers, inverses = _powers(content.size.bit_length())
    sums = np.zeros(content.size + 1, np.uint64)
    np.cumsum(VALUES[content] * powers[: content.size], out=sums[1:])
    return mixed((sums[ends] - sums[starts]) * inverses[starts])


@cache
def _powers(bits: int) -> tuple[Hashes, Hashes]:
    def of(base: int) -> Hashes:
        powers = np.full(1 << bits, base, np.uint64)
        powers[:1] = 1
        return np.cumprod(powers, dtype=np.uint64)

    return of(BASE), of(pow(BASE, -1, 1 << 64))


def _joined(hashes: Hashes, begins: Numbers, size: int) -> Hashes:
    """Each word with those after it; none reach into the next text, whose place zeros hold."""
    texts = np.diff(begins)
    place = np.arange(hashes.size) + np.repeat(np.arange(texts.size) * (size - 1), texts)
    padded = np.zeros(hashes.size + (size - 1) * texts.size, np.uint64)
    padded[place] = hashes
    total = np.zeros(hashes.size, np.uint64)
    for step, weight in enumerate(_weights(size)):
        total += padded[place + step] * np.uint64(weight)
    return mixed(total)


@cache
def _weights(size: int) -> tuple[int, ...]:
    """An odd number for each word of a shingle; the first three are those that stored fingerprints were made with."""
    further = mixed(np.arange(len(WEIGHTS), max(size, len(WEIGHTS)), dtype=np.uint64)) | np.uint64(1)
    return (*WEIGHTS, *further.tolist())[:size]


def mixed(values: Hashes) -> Hashes:
    """Spread every bit over all (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

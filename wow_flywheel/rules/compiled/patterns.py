"""Regular expressions by RE2, the engine that DuckDB has.

What belongs here: matching, and taking text out. What does not: which SQL function calls it (`functions`). RE2 takes time in
proportion to the text, whatever the pattern, so no text can stall a check.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import re2

from wow_flywheel.rules.compiled.tree import Unsupported

Text = str | None


@cache
def compiled(pattern: str, *, captures: bool = True) -> Any:
    """A pattern on bytes.

    Raises:
        Unsupported: RE2 does not know it; DuckDB says why.
    """
    options = re2.Options()
    options.log_errors, options.never_capture = False, not captures
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error:
        raise Unsupported(f"the pattern {pattern!r}") from None


def has(pattern: str) -> Callable[[str], bool]:
    """Whether a text has the pattern."""
    search = compiled(pattern, captures=False).search
    return lambda text: search(text.encode()) is not None


def with_options(pattern: str, options: str) -> str:
    """A pattern with DuckDB's options written into it.

    Raises:
        Unsupported: An option that is not compiled.
    """
    if set(options) - set("icg"):
        raise Unsupported(f"the options {options!r} of a regular expression")
    return f"(?i:{pattern})" if "i" in options and "c" not in options else pattern


def full_match(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text is the pattern."""
    match = compiled(pattern).fullmatch
    return lambda text: match(text.encode()) is not None


def extract(pattern: str, group: int) -> Callable[[str], str]:
    """A group of the first match; empty where there is none."""
    search = compiled(pattern).search
    if group > compiled(pattern).groups:
        raise Unsupported(f"group {group} of {pattern!r}")

    def first(text: str) -> str:
        found = search(text.encode())
        return (found.group(group) or b"").decode() if found else ""

    return first


def extract_all(pattern: str, group: int) -> Callable[[str], tuple[Text, ...]]:
    """A group of each match."""
    matches = _matches(pattern)
    if group > compiled(pattern).groups:
        raise Unsupported(f"group {group} of {pattern!r}")

    def every(text: str) -> tuple[Text, ...]:
        found = (match.group(group) for match in matches(text.encode()))
        return tuple(None if each is None else each.decode() for each in found)

    return every


def substitute(pattern: str, new: str, *, every: bool) -> Callable[[str], str]:
    """A text with the first match, or each, replaced.

    Raises:
        Unsupported: What comes in names groups.
    """
    if "\\" in new:
        raise Unsupported("groups in what a regular expression puts in")
    matches, put = _matches(pattern), new.encode()

    def change(text: str) -> str:
        raw, parts, done = text.encode(), [], 0
        for match in matches(raw):
            parts += [raw[done : match.start()], put]
            done = match.end()
            if not every:
                break
        return b"".join([*parts, raw[done:]]).decode() if parts else text

    return change


def _matches(pattern: str) -> Callable[[bytes], Iterator[Any]]:
    """The matches of a pattern, if it can find nothing but text: engines differ in what follows an empty match."""
    if compiled(pattern).search(b""):
        raise Unsupported(f"the pattern {pattern!r}, which can match nothing at all, to take text out")
    matches: Callable[[bytes], Iterator[Any]] = compiled(pattern).finditer
    return matches

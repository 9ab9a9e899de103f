"""Texts as the page shows them: cut at quotes, and with every character that cannot be seen as its escape.

What belongs here: pieces of text. What does not: HTML, which the templates write and escape.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from wow_flywheel.cases.review import HIDDEN

KEPT: Final = "\n\t"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text.

    Attributes:
        text: What is shown.
        escape: It stands for a character that cannot be seen.
        findings: Numbers of the findings whose quote covers it.
    """

    text: str
    escape: bool = False
    findings: tuple[int, ...] = ()


def pieces(text: str, quotes: Mapping[int, str]) -> list[Piece]:
    """A text as pieces: each is covered by the same findings, and holds either visible characters or one escape.

    Args:
        text: A message's content, or the name or arguments of a call.
        quotes: By finding, the words that it quotes; the first place where they stand is marked.
    """
    spans = [(at, at + len(quote), key) for key, quote in quotes.items() if quote and (at := text.find(quote)) >= 0]
    cuts = sorted({0, len(text), *(edge for begin, end, _ in spans for edge in (begin, end))})
    found = []
    for begin, end in pairwise(cuts):
        covering = tuple(sorted(key for first, last, key in spans if first <= begin and end <= last))
        found += [Piece(part.text, part.escape, covering) for part in visible(text[begin:end])]
    return found


def visible(text: str) -> Iterator[Piece]:
    """Runs of visible characters, line ends and tabs; and each other character as an escape such as `\\u202e`."""
    run = ""
    for place, char in enumerate(text):
        if char in KEPT or unicodedata.category(char) not in HIDDEN or _joins(text, place):
            run += char
            continue
        if run:
            yield Piece(run)
        yield Piece(char.encode("unicode_escape").decode(), escape=True)
        run = ""
    if run:
        yield Piece(run)


def pretty(arguments: str) -> str:
    """A call's arguments or a tool's result, JSON laid out over lines; what is no JSON object or array, as it is."""
    try:
        value = json.loads(arguments)
        return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) and value else arguments
    except (ValueError, RecursionError):
        return arguments


def laid_out(text: str, quotes: Iterable[str]) -> str:
    """`pretty`, unless that would break up a quote that stands in the text as it is."""
    laid = pretty(text)
    return laid if all(quote in laid for quote in quotes if quote in text) else text


def _joins(text: str, place: int) -> bool:
    """Whether a zero-width joiner stands between two parts of one emoji."""
    if text[place] != "\u200d" or not 0 < place < len(text) - 1:
        return False
    around: Sequence[Any] = (text[place - 1], text[place + 1])
    return all(unicodedata.category(char) in {"So", "Sk", "Mn"} for char in around)

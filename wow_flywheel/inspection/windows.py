"""A long conversation in windows of turns, each short enough for one prompt; nothing is left out.

What belongs here: where a window begins and ends. What does not: what is asked of it (`hearing`), rendering (`transcript`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.transcript import as_data, turn_row
from wow_flywheel.llm.settings import estimated_tokens

OVERLAP = 2
"""Rows that a window repeats from the one before, if they take no more than a quarter of it."""

WITHHELD = "[withheld]"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Some turns in a row.

    Attributes:
        rows: These turns as the judge sees them, some only in part.
    """

    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """The turns as data."""
        return as_data(self.rows)

    @property
    def turns(self) -> frozenset[int]:
        """The numbers of the turns."""
        return frozenset(row["turn"] for row in self.rows)

    def without(self, turn: int) -> str:
        """The turns as data, with the words and calls of one of them withheld."""
        withheld = {"turn": turn, "content": WITHHELD}
        bare = [{**withheld, "role": row["role"]} if row["turn"] == turn else row for row in self.rows]
        return as_data(bare)


def windows(messages: Sequence[Message], max_tokens: int) -> list[Window]:
    """A conversation in windows of at most so many estimated tokens; one window where it fits.

    A turn that is longer than a window is shown in parts, each numbered.
    """
    shown: list[list[tuple[Row, int]]] = [[]]
    size = 0
    for row, tokens in _rows(messages, max_tokens):
        if shown[-1] and size + tokens > max_tokens:
            again = shown[-1][-OVERLAP:]
            repeated = sum(cost for _, cost in again)
            if repeated > max_tokens // 4 or repeated + tokens > max_tokens:
                again, repeated = [], 0
            shown.append(list(again))
            size = repeated
        shown[-1].append((row, tokens))
        size += tokens
    return [Window(tuple(row for row, _ in rows)) for rows in shown]


def _rows(messages: Sequence[Message], max_tokens: int) -> Iterator[tuple[Row, int]]:
    for turn, message in enumerate(messages):
        row = turn_row(turn, message)
        tokens = estimated_tokens(as_data([row]))
        if tokens <= max_tokens:
            yield row, tokens
            continue
        for part in _parts(row, max_tokens):
            yield part, estimated_tokens(as_data([part]))


def _parts(row: Row, max_tokens: int) -> Iterator[Row]:
    """A turn in parts: its content, then its calls as text. Escapes make a character up to 6 characters long."""
    size = max(1, (max_tokens - 60) // 6)
    texts = [("content", row.get("content") or ""), ("calls", as_data(row.get("calls") or []))]
    pieces = [(name, text[i : i + size]) for name, text in texts for i in range(0, len(text), size)]
    for number, (name, piece) in enumerate(pieces, start=1):
        yield {"turn": row["turn"], "role": row["role"], "part": f"{number} of {len(pieces)}", name: piece}

"""Lines whose fate is asked for while a day is read again: what each became a part of.

What belongs here: noting it, and for which lines. What does not: reading (`foreign`), comparing before and after (`replay`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from wow_flywheel.conversations.redaction.placeholders import stored

LINE: Final = ("source_file", "source_line")
FIRST: Final = ("first_file", "first_line", "conversation_id")
_PART: Final = pl.Schema(
    {
        "source_file": pl.String,
        "source_line": pl.Int64,
        "first_file": pl.String,
        "first_line": pl.Int64,
        "conversation_id": pl.String,
    }
)


@dataclass(slots=True)
class Followed:
    """Lines that are followed.

    Args:
        asked: Which: source_file and source_line. Without any, nothing is noted.
    """

    asked: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=pl.Schema({name: _PART[name] for name in LINE})))
    _parts: list[pl.DataFrame] = field(default_factory=list)

    @property
    def asks_none(self) -> bool:
        """Whether no line is followed."""
        return self.asked.is_empty()

    def add(self, parts: Iterable[tuple[str, int, str, int, str]] | pl.DataFrame) -> None:
        """Note of which conversations, or words, lines are a part.

        Args:
            parts: source_file and source_line of each line; those of the first line of what it belongs to; and the id of that,
                not yet redacted.
        """
        if self.asks_none:
            return
        made = parts if isinstance(parts, pl.DataFrame) else pl.DataFrame(list(parts), schema=_PART, orient="row")
        self._parts.append(made.select(list(_PART)).join(self.asked, on=LINE, how="semi"))

    def found(self) -> pl.DataFrame:
        """What was noted: the columns of `LINE` and of `FIRST`, ids as they are stored."""
        parts = pl.concat([pl.DataFrame(schema=_PART), *self._parts])
        return parts.with_columns(stored(parts["conversation_id"]).alias("conversation_id"))

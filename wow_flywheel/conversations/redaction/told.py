"""Answers that were told in a conversation, and where a text says them again.

What belongs here: remembering answers, and finding them, however many there are. What does not: what answers a question
(`asked`), what takes an answer's place (`placeholders`). No text is searched for one answer after another: each of its words
is looked at once for each shape of the answers, of which there are few.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.conversations.redaction.asked import take

_OF_A_WORD: Final = re.compile("[A-Za-z0-9]")
_FIRST_OF_A_WORD: Final = re.compile("(?<![A-Za-z0-9])[A-Za-z0-9]")


@dataclass(slots=True)
class Told:
    """The answers of one conversation.

    Attributes:
        kinds: The kind of each answer, after `narrow`, in the order in which they were told first.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    _ranks: dict[str, int] = field(default_factory=dict)
    _shapes: set[tuple[int, int]] = field(default_factory=set)
    """How many characters stand before an answer's first word, and how many there are in all."""

    def add(self, value: str, kind: str) -> None:
        """Look for an answer from now on; of two kinds the last one counts."""
        self.kinds[value] = kind
        self._ranks.setdefault(value, len(self._ranks))
        self._shapes.add((next(_OF_A_WORD.finditer(value)).start(), len(value)))

    def may_be_in(self, plain: str) -> bool:
        """Whether an answer is in a text, be it within a longer number."""
        return any(True for _ in self._places(plain, _OF_A_WORD))

    def again(self, plain: str, taken: bytearray) -> Iterator[tuple[int, int, str]]:
        """Where a text says answers again, and their kinds: what was told first goes first, then from left to right.

        Args:
            plain: The text after `narrow`.
            taken: One byte a character; those of what is found are marked, and nothing is found where one was.
        """
        alone = (place for place in self._places(plain, _FIRST_OF_A_WORD) if _is_alone(plain, *place))
        before, free = "", 0
        for start, end in sorted(alone, key=lambda place: (self._ranks[plain[slice(*place)]], place)):
            value = plain[start:end]
            if value == before and start < free:
                continue
            before, free = value, end
            if take(taken, start, end):
                yield start, end, self.kinds[value]

    def _places(self, plain: str, first: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Where answers are whose first word begins where a pattern finds something."""
        for match in first.finditer(plain) if self.kinds else ():
            for before, length in self._shapes:
                start = match.start() - before
                end = start + length
                if start >= 0 and end <= len(plain) and plain[start:end] in self.kinds:
                    yield start, end


def _is_alone(plain: str, start: int, end: int) -> bool:
    """Whether a part of a text is no part of a longer word or number."""
    return not _OF_A_WORD.match(plain, start - 1, start) and not _OF_A_WORD.match(plain, end, end + 1)

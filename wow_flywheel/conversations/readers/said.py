"""What people said of conversations: beside a call, apart from it, or later.

What belongs here: feedback on its way to the conversation that it names. What does not: what a score means (`scores`), and
where a format keeps it.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.conversations.readers.calls import Session
from wow_flywheel.conversations.readers.provenance import LeftOut

Feedback = dict[str, Any]
"""Any of thumb (up, down), score (1 to 5) and comment."""


@dataclass(frozen=True, slots=True)
class _Word:
    keys: tuple[str, ...]
    feedback: Feedback
    sources: frozenset[int]


@dataclass(slots=True)
class Said:
    """Feedback by the ids that it names, added from the earliest to the latest."""

    _words: list[_Word] = field(default_factory=list)

    def add(self, keys: Iterable[str | None], feedback: Feedback, sources: Iterable[int]) -> None:
        """Note feedback.

        Args:
            keys: Ids of a call, a trace or a session; the first one that any conversation has counts.
            feedback: What was said, not empty.
            sources: The documents that it was read from.
        """
        self._words.append(_Word(tuple(key for key in keys if key), feedback, frozenset(sources)))

    def without(self, broken: Container[int]) -> "Said":
        """The feedback that has nothing of these documents."""
        return Said([word for word in self._words if not any(index in broken for index in word.sources)])

    def given(self, sessions: Sequence[Session], left: LeftOut) -> list[tuple[Feedback, frozenset[int]]]:
        """For each session its feedback and the documents that it was read from; what names none of them is left out.

        What is said of a call counts more than what is said of its trace or session, a later word more than an earlier one.
        """
        ranks = [_ranks(session) for session in sessions]
        places: dict[str, list[int]] = {}
        for place, known in enumerate(ranks):
            for key in known:
                places.setdefault(key, []).append(place)
        heard: list[list[tuple[int, _Word]]] = [[] for _ in sessions]
        for word in self._words:
            named = next((key for key in word.keys if key in places), None)
            if named is None:
                left.add("no_conversation", word.sources)
                left.wait(word.keys, word.feedback, (), word.sources)
                continue
            for place in places[named]:
                heard[place].append((ranks[place][named], word))
        return [_merged(sorted(each, key=lambda ranked: ranked[0])) for each in heard]


def _merged(words: Sequence[tuple[int, _Word]]) -> tuple[Feedback, frozenset[int]]:
    feedback = {name: value for _, word in words for name, value in word.feedback.items()}
    return feedback, frozenset[int]().union(*(word.sources for _, word in words))


def _ranks(session: Session) -> Mapping[str, int]:
    """The ids of a session and what they name: the more precise, the higher."""
    names = [
        [session.id, *(call.session or "" for call in session.calls)],
        [alias for call in session.calls for alias in call.aliases],
        [call.trace or "" for call in session.calls],
        [call.id for call in session.calls],
    ]
    return {name: rank for rank, group in enumerate(names) for name in group if name}

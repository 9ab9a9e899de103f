"""The better replies that people wrote: demonstrations, corrections, corrected outputs.

What belongs here: that each becomes a conversation with a thumb up, and that the last one of a call counts. What does
not: where a format keeps them.
"""

from dataclasses import dataclass, field

from wow_flywheel.conversations.readers.calls import Call, demonstrated
from wow_flywheel.conversations.readers.provenance import LeftOut
from wow_flywheel.conversations.readers.said import Said
from wow_flywheel.conversations.readers.values import Message


@dataclass(slots=True)
class Corrections:
    """Better replies, added from the earliest to the latest."""

    _calls: dict[str, Call] = field(default_factory=dict)
    _written: dict[str, frozenset[int]] = field(default_factory=dict)

    def add(self, call: Call, reply: list[Message], sources: frozenset[int], left: LeftOut) -> None:
        """Note a better reply.

        Args:
            call: The call that was answered otherwise, or not at all.
            reply: What the person wrote, not empty.
            sources: The documents that hold it.
            left: Learns of an earlier one that this one replaces.
        """
        if call.id in self._written:
            left.add("superseded", self._written[call.id])
        self._calls[call.id], self._written[call.id] = demonstrated(call, reply, sources), sources

    def of(self, call_id: str) -> bool:
        """Whether somebody wrote a better reply to this call."""
        return call_id in self._calls

    def calls(self, said: Said) -> list[Call]:
        """The calls that end with the better replies; each has a thumb up."""
        for call in self._calls.values():
            said.add([call.id], {"thumb": "up"}, call.sources)
        return list(self._calls.values())

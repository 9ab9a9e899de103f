"""Which model serves a conversation: the current release, or the canary for its share.

What belongs here: the choice. What does not: the pointer and the hash (`release.canary`), HTTP (`app`).
"""

from dataclasses import dataclass

from wow_flywheel.release.canary import Canary
from wow_flywheel.serving.batching import Batcher


@dataclass(frozen=True, slots=True)
class Served:
    """A model under its name."""

    model: str
    batcher: Batcher


@dataclass(frozen=True, slots=True)
class Split:
    """The current release, and perhaps a canary beside it."""

    current: Served
    canary: tuple[Served, Canary] | None = None

    @property
    def models(self) -> list[str]:
        """The names that are served, the current one first."""
        return [self.current.model, *([self.canary[0].model] if self.canary else [])]

    @property
    def batchers(self) -> list[Batcher]:
        """All queues."""
        return [self.current.batcher, *([self.canary[0].batcher] if self.canary else [])]

    def of(self, conversation_id: str) -> Served:
        """The model of a conversation: the same for all its turns, whatever name a client asks for."""
        if self.canary is not None and self.canary[1].takes(conversation_id):
            return self.canary[0]
        return self.current

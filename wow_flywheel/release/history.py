"""The history of the two pointers: which release was put in place when, and which was the canary.

What belongs here: the append-only log and what follows from it. What does not: release folders (`folder`).
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from wow_flywheel.storage import append_durable

Action = Literal["promote", "rollback", "canary", "canary stop"]
POINTER: Final = ("promote", "rollback")
"""Actions that move the pointer to the current release."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move: when (RFC 3339), what, and of which release.

    Attributes:
        at: When, RFC 3339.
        action: `promote` or `rollback` moves the current pointer; `canary` starts a canary or changes its share, `canary stop`
            ends it. A promotion of the canary ends it too.
        to: The release.
        came_from: The current release before; None before the first.
        share: Of a `canary`.
    """

    at: str
    action: Action
    to: str
    came_from: str | None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The moves in a JSONL file. A last line without its newline is a write that a crash cut off: it does not count."""

    path: Path

    def moves(self) -> list[Move]:
        """All moves, oldest first."""
        return [Move(**json.loads(line)) for line in self._whole().splitlines()]

    def append(self, move: Move) -> None:
        """Add a move durably, after cutting off what a crash left of an earlier attempt."""
        if self.path.is_file():
            os.truncate(self.path, len(self._whole()))
        told = {k: v for k, v in asdict(move).items() if k != "share" or v is not None}
        append_durable(self.path, json.dumps(told).encode() + b"\n")

    def was_promoted(self, release_id: str) -> bool:
        """True if a release was ever put in place by promotion."""
        return any(move.action == "promote" and move.to == release_id for move in self.moves())

    def was_introduced(self, release_id: str) -> bool:
        """True if a release was ever put in place by promotion, or as a canary."""
        return any(move.action in {"promote", "canary"} and move.to == release_id for move in self.moves())

    def last_current(self) -> str | None:
        """The release that the last move of the pointer put in place."""
        return next((move.to for move in reversed(self.moves()) if move.action in POINTER), None)

    def canary(self) -> tuple[str, float | None] | None:
        """The canary and its share, as the moves say; None if none runs."""
        running: tuple[str, float | None] | None = None
        for move in self.moves():
            if move.action == "canary":
                running = move.to, move.share
            elif move.action == "canary stop" or (running is not None and move.to == running[0]):
                running = None
        return running

    def line(self) -> list[str]:
        """The releases that led to the current one, oldest first: a promotion adds one, a rollback cuts back to its target."""
        line: list[str] = []
        for move in [move for move in self.moves() if move.action in POINTER]:
            if move.action == "rollback" and move.to in line:
                line = line[: line.index(move.to)]
            line.append(move.to)
        return line

    def _whole(self) -> bytes:
        content = self.path.read_bytes() if self.path.is_file() else b""
        return content[: content.rfind(b"\n") + 1]

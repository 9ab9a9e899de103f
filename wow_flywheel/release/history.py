"""The history of the current pointer: which release was put in place when, by promotion or rollback.

What belongs here: the append-only log and what follows from it. What does not: release folders (`folder`).
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the pointer: when (RFC 3339), how, to which release and from which (None for the first)."""

    at: str
    action: Literal["promote", "rollback"]
    to: str
    came_from: str | None


@dataclass(frozen=True, slots=True)
class History:
    """The moves in a JSONL file. A last line without its newline is a write that a crash cut off: it does not count."""

    path: Path

    def moves(self) -> list[Move]:
        """All moves, oldest first."""
        return [Move(**json.loads(line)) for line in self._whole().splitlines()]

    def append(self, move: Move) -> None:
        """Add a move durably, after cutting off what a crash left of an earlier attempt."""
        whole = len(self._whole())
        with self.path.open("ab") as stream:
            stream.truncate(whole)
            stream.write(json.dumps(asdict(move)).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def was_promoted(self, release_id: str) -> bool:
        """True if a release was ever put in place by promotion."""
        return any(move.action == "promote" and move.to == release_id for move in self.moves())

    def line(self) -> list[str]:
        """The releases that led to the current one, oldest first: a promotion adds one, a rollback cuts back to its target."""
        line: list[str] = []
        for move in self.moves():
            if move.action == "rollback" and move.to in line:
                line = line[: line.index(move.to)]
            line.append(move.to)
        return line

    def _whole(self) -> bytes:
        content = self.path.read_bytes() if self.path.is_file() else b""
        return content[: content.rfind(b"\n") + 1]

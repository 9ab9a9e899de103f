"""The journal: what a crash of the serving process must not lose, in a hidden folder beside the logs.

What belongs here: durable appends, reading back, finding what dead processes left. What does not: what events mean
(`conversation`).

Each process has a journal of its own and holds a lock as long as it lives; a journal whose lock is free belongs to a dead one.
"""

import fcntl
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from wow_flywheel.serving.conversation import Event
from wow_flywheel.storage import append_durable, write_atomic

FOLDER: Final = ".journal"
PRIVATE: Final = 0o700
"""Only the serving user may read a journal: it holds conversations before redaction."""


@dataclass(slots=True)
class Journal:
    """A journal that this process holds.

    Attributes:
        path: Its file, `<name>.journal`.
        lock: The open lock file.
    """

    path: Path
    lock: BinaryIO

    @property
    def name(self) -> str:
        """`serving-<pid>`, or with a number where that is taken on another machine."""
        return self.path.stem

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def append(self, event: Event) -> None:
        """Add an event; it survives a crash once this returns."""
        append_durable(self.path, _line(event))

    def replace(self, events: Iterable[Event]) -> None:
        """Put a shorter list of events in place of all."""
        write_atomic(self.path, b"".join(_line(event) for event in events))

    def events(self) -> list[Event]:
        """All events, oldest first. A last line without its newline is a write that a crash cut off: it does not count."""
        content = self.path.read_bytes() if self.path.is_file() else b""
        return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

    def remove(self) -> None:
        """Delete the journal and let go of its lock."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".lock").unlink(missing_ok=True)
        self.lock.close()

    def release(self) -> None:
        """Let go of the lock and leave the file: the next process finds it."""
        self.lock.close()


def claim(root: Path, pid: int) -> Journal:
    """A journal for this process under the root of the logs, locked."""
    folder = root / FOLDER
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    number = 1
    while (journal := _take(folder / (f"serving-{pid}.journal" if number == 1 else f"serving-{pid}-{number}.journal"))) is None:
        number += 1
    return journal


def abandoned(root: Path, own: Journal) -> list[Journal]:
    """Other journals whose process is dead, locked for the caller."""
    paths = sorted(path for path in (root / FOLDER).glob("serving-*.journal") if path != own.path)
    return [journal for path in paths if (journal := _take(path)) is not None]


def _take(path: Path) -> Journal | None:
    lock = path.with_suffix(".lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return Journal(path, lock)


def _line(event: Event) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"

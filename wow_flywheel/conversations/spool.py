"""Rows of a day on local disk while the day is read, so that memory does not grow with it.

What belongs here: writing frames and giving them back. What does not: what the rows mean. Single columns are kept here too and
read again, since a frame that came through Arrow lives on as a whole as long as one of its texts is held. The files lie in the
system's temporary folder (TMPDIR), where only their owner may read them, and go when the spool does. Conversations
are redacted before; calls of other tools' logs wait here as they were logged until they are linked. A process that is killed
leaves its files; the lock that a spool holds on one of them is gone then, by which the next ingest knows that they can go
(`remove_abandoned`).
"""

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl

ROWS = 5_000
PREFIX: Final = "wow-flywheel-"
LOCK: Final = "lock"
GRACE: Final = 3600
"""Seconds in which a folder without a lock may still get one."""


class Spool:
    """Frames of one schema, in the order in which they came.

    Args:
        schema: Their columns.
    """

    def __init__(self, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> None:
        self._schema = pl.Schema(schema)
        self._folder, lock = _locked_folder()
        self._files: list[Path] = []
        self._rows: list[dict[str, object]] = []
        self._finalizer = weakref.finalize(self, _remove, self._folder, lock)

    def add(self, frame: pl.DataFrame) -> None:
        """Keep a frame, whose columns are those of the schema."""
        if frame.height:
            self._files.append(self._folder / f"{len(self._files):06d}.arrow")
            frame.select(list(self._schema)).write_ipc(self._files[-1], compression="lz4")

    def add_row(self, row: dict[str, object]) -> None:
        """Keep one row; rows come after the frames that are kept before them."""
        self._rows.append(row)
        if len(self._rows) >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the single rows down."""
        rows, self._rows = self._rows, []
        self.add(pl.DataFrame(rows, schema=self._schema))

    def frames(self) -> Iterator[pl.DataFrame]:
        """The frames again."""
        self.flush()
        for path in self._files:
            yield pl.read_ipc(path)

    def scan(self) -> pl.LazyFrame:
        """All rows, lazily."""
        self.flush()
        if not self._files:
            return pl.LazyFrame(schema=self._schema)
        return pl.scan_ipc(self._files)

    def close(self) -> None:
        """Remove the files."""
        self._finalizer()


def remove_abandoned() -> int:
    """Remove the folders of spools whose process was killed; those of living ones stay, in other containers too.

    Returns:
        How many went.
    """
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        lock = _lock_of_nobody(folder)
        if lock is not None:
            _remove(folder, lock)
            removed += not folder.exists()
    return removed


def _locked_folder() -> tuple[Path, int]:
    """A new folder, and the lock on the file in it; again where `remove_abandoned` came between making and locking it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / LOCK).exists():
            return folder, lock
        os.close(lock)


def _lock_of_nobody(folder: Path) -> int | None:
    """The lock of a folder that no living process holds; None if one does, or may be about to."""
    try:
        about = folder.lstat()
        if about.st_uid != os.getuid() or (not (folder / LOCK).exists() and about.st_mtime > time.time() - GRACE):
            return None
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR)
    except OSError:  # another process removed it first, or it is no folder
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)

"""Rows of a day on local disk while the day is read, so that memory does not grow with it.

What belongs here: writing frames and giving them back. What does not: what the rows mean. The files hold redacted rows only, in
the system's temporary folder (TMPDIR), and go when the spool does.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

ROWS = 5_000


class Spool:
    """Frames of one schema, in the order in which they came.

    Args:
        schema: Their columns.
    """

    def __init__(self, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> None:
        self._schema = pl.Schema(schema)
        self._folder = Path(tempfile.mkdtemp(prefix="wow-flywheel-"))
        self._files: list[Path] = []
        self._rows: list[dict[str, object]] = []
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

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

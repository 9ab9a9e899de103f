"""The only place that reads and writes tables: Delta Lake, on disk or in S3.

What belongs here: partition reads, atomic partition replacement, appends, table versions. What does not: what the rows mean.
A partition is replaced by one predicate overwrite, which is one commit: a reader sees the old rows or the new ones, and a
process killed in between leaves the old ones.
"""

import datetime as dt
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, Schema, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from wow_flywheel.contracts import TABLES, Contract
from wow_flywheel.errors import ContractError, StorageUnavailable
from wow_flywheel.storage import delta_options, file_system, table_errors

COMMIT_ATTEMPTS = 8
PARQUET: Final = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=20_000)
"""Small row groups keep a writer's memory small."""
LOG_RETENTION = "delta.logRetentionDuration"


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables under one URI.

    Attributes:
        uri: Local folder or `s3://` prefix.
        options: Storage options for Delta; by default taken from the standard AWS variables.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, uri: str) -> "Lake":
        """The lake at a URI, with the storage options that the environment gives."""
        return cls(uri, delta_options(uri, os.environ))

    def table_uri(self, name: str) -> str:
        """Where a table lives."""
        return f"{self.uri}/{contract(name).name}"

    def exists(self, name: str) -> bool:
        """True once a table has been written."""
        with table_errors(self.table_uri(name)):
            return DeltaTable.is_deltatable(self.table_uri(name), dict(self.options))

    def version(self, name: str) -> int | None:
        """The table's newest version, or None if it was never written."""
        return DeltaTable(self.table_uri(name), storage_options=dict(self.options)).version() if self.exists(name) else None

    def has_version(self, name: str, version: int) -> bool:
        """Whether a version of a table can still be read: its log entry and all its data files are there."""
        if not self.exists(name):
            return False
        uri, options = self.table_uri(name), dict(self.options)
        try:
            with table_errors(uri):
                named = DeltaTable(uri, version=version, storage_options=options).file_uris()
        except DeltaError:
            return False
        storage = file_system(uri)
        there = set(storage.find(uri))
        return all(path.split("://", 1)[-1] in there for path in named)

    def scan(self, name: str, *, version: int | None = None) -> pl.LazyFrame:
        """A lazy frame over the whole table; a table that was never written has no rows.

        Columns that its contract has gained since it was written are null.
        """
        shape = contract(name)
        if not self.exists(name):
            return shape.empty().lazy()
        with table_errors(self.table_uri(name)):
            rows = pl.scan_delta(self.table_uri(name), version=version, storage_options=dict(self.options))
            written = rows.collect_schema()
        return rows.with_columns(
            pl.lit(None, kind).alias(column) for column, kind in shape.columns.items() if column not in written
        )

    def read(self, name: str, partition: dt.date | str | None = None, *, version: int | None = None) -> pl.DataFrame:
        """The table's rows, or those of one partition, in the contract's column order."""
        shape = contract(name)
        rows = self.scan(name, version=version)
        if partition is not None:
            rows = rows.filter(pl.col(shape.partition) == partition)
        with table_errors(self.table_uri(name)):
            return rows.select(list(shape.columns)).collect()

    def replace(self, name: str, frame: pl.DataFrame, partition: dt.date | str) -> int:
        """Replace one partition by the given rows, in one commit.

        Args:
            name: The table.
            frame: The partition's rows; none empties it. Checked against the table's contract.
            partition: The value of the contract's partition column.

        Returns:
            The table's new version.

        Raises:
            ContractError: The rows break the contract or belong to another partition.
            StorageUnavailable: Other writers won every one of the bounded attempts.
        """
        rows = _of_partition(contract(name), frame, partition)
        return self.replace_streamed(name, lambda: [rows], partition)

    def replace_streamed(self, name: str, frames: Callable[[], Iterable[pl.DataFrame]], partition: dt.date | str) -> int:
        """Replace one partition by the rows of several frames, in one commit, holding one of them in memory at a time.

        Args:
            name: The table.
            frames: Gives the partition's rows, from the start each time it is called: a lost commit is tried again. Each frame
                is checked against the contract; that keys differ from frame to frame is the caller's promise.
            partition: The value of the contract's partition column.

        Raises:
            ContractError, StorageUnavailable: As `replace`.
        """
        shape = contract(name)
        value = str(partition).replace("'", "''")

        def write() -> None:
            checked = (_of_partition(shape, frame, partition) for frame in frames())
            self._overwrite(shape, (rows for rows in checked if rows.height), f"{shape.partition} = '{value}'")

        return self._commit(shape, write)

    def append(self, name: str, frame: pl.DataFrame) -> int:
        """Add rows to a table (used for what is never rewritten, such as people's decisions); returns the new version."""
        shape = contract(name)
        rows = shape.conform(frame)
        uri, options = self.table_uri(name), dict(self.options)
        return self._commit(shape, lambda: write_deltalake(uri, rows.to_arrow(), mode="append", storage_options=options))

    def vacuum(self, name: str) -> int:
        """Remove all that only older versions of a table hold: their data files, and the log entries that quote their values.

        Earlier versions can no longer be read. Nobody may write to the table meanwhile: files of a commit under way would go.

        Returns:
            How many data files were removed.
        """
        uri, options = self.table_uri(contract(name).name), dict(self.options)
        table = DeltaTable(uri, storage_options=options)
        removed = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        table.alter.set_table_properties({LOG_RETENTION: "interval 0 seconds"})
        table = DeltaTable(uri, storage_options=options)
        table.create_checkpoint()
        table.cleanup_metadata()
        table.alter.set_table_properties({LOG_RETENTION: "interval 30 days"})
        return len(removed)

    def _overwrite(self, shape: Contract, frames: Iterator[pl.DataFrame], predicate: str) -> None:
        uri, options = self.table_uri(shape.name), dict(self.options)
        first = next(frames, None)
        if first is None:
            DeltaTable(uri, storage_options=options).delete(predicate)
            return
        tables = (frame.to_arrow() for frame in chain([first], frames))
        data = pa.RecordBatchReader.from_batches(first.to_arrow().schema, (b for table in tables for b in table.to_batches()))
        write_deltalake(
            uri,
            data,
            mode="overwrite",
            predicate=predicate,
            schema_mode="merge",
            storage_options=options,
            writer_properties=PARQUET,
        )

    def _commit(self, shape: Contract, write: Callable[[], object]) -> int:
        """Write to a table that exists: made first, with no rows, so that two first writers cannot replace each other's."""
        name = shape.name
        for attempt in range(COMMIT_ATTEMPTS):
            try:
                with table_errors(self.table_uri(name)):
                    if not self.exists(name):
                        self._create(shape)
                    write()
                    return DeltaTable(self.table_uri(name), storage_options=dict(self.options)).version()
            except (CommitFailedError, TableNotFoundError) as error:
                last: DeltaError = error
                time.sleep(random.uniform(0.05, 0.2) * 2**attempt)
        raise StorageUnavailable(
            f"table {name}: {COMMIT_ATTEMPTS} commits in a row lost against other writers",
            hint="run fewer partitions of this table at once",
        ) from last

    def _create(self, shape: Contract) -> None:
        schema = Schema.from_arrow(shape.empty().to_arrow().schema)
        uri, options = self.table_uri(shape.name), dict(self.options)
        DeltaTable.create(uri, schema, mode="ignore", partition_by=[shape.partition], storage_options=options)


def _of_partition(shape: Contract, frame: pl.DataFrame, partition: dt.date | str) -> pl.DataFrame:
    rows = shape.conform(frame)
    if rows.height and not (rows[shape.partition] == partition).all():
        raise ContractError(
            f"table {shape.name}: rows outside the partition {shape.partition}={partition} being replaced",
            hint="filter the frame to its partition before the write",
        )
    return rows


def contract(name: str) -> Contract:
    """The contract of a table by name.

    Raises:
        ContractError: No table has this name.
    """
    if name not in TABLES:
        raise ContractError(f"no table is called {name!r}", hint=f"the tables are {sorted(TABLES)}")
    return TABLES[name]

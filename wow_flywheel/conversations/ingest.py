"""Reads a day of logs: every line becomes a conversation, a quarantined line, or is counted with the reason; none is lost.

What belongs here: the accounting of a day. What does not: formats of lines (`lines`, `plain`, `record`), repeats (`repeats`),
tables (`lake`). Lines are handled in blocks, and what came of them waits on disk, so memory does not grow with the day.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.fields import REASONS, BrokenRecordError, Row
from wow_flywheel.conversations.lines import Block, Line, read_blocks
from wow_flywheel.conversations.plain import SHAPE, PlainReader
from wow_flywheel.conversations.record import parse_record, redact_frame
from wow_flywheel.conversations.redact import redact_broken
from wow_flywheel.conversations.repeats import CENSUS, Census, as_record, resolve
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.conversations.spool import Spool
from wow_flywheel.conversations.whose import user_named_in
from wow_flywheel.errors import ContractError

MAX_KEPT_LINE = 100_000
"""Characters of a redacted line that quarantine keeps; the source file holds the whole."""
WORKING = {"seq": pl.Int64, "line_hash": pl.UInt64, "byte_offset": pl.Int64}
"""What is known of a row while the day is read, beside the columns of `conversations`."""


@dataclass(slots=True)
class DayRead:
    """What a day's files hold. Close it, or use it as a context manager, to remove its rows from the local disk.

    Attributes:
        counts: files, lines, conversations, quarantined, duplicates (copies and earlier versions of a conversation), blank,
            redactions; lines = conversations + quarantined + duplicates + blank.
    """

    counts: Mapping[str, int]
    _rows: Spool
    _broken: Spool
    _left_out: pl.Series
    _settled: pl.DataFrame

    @property
    def conversations(self) -> pl.DataFrame:
        """Contract `conversations`, by start; held in memory."""
        return CONVERSATIONS.conform(self.scan().collect().sort("started_at", "conversation_id"))

    @property
    def quarantine(self) -> pl.DataFrame:
        """Contract `quarantine`; held in memory."""
        return QUARANTINE.conform(self.scan_quarantine().collect().sort("source_file", "source_line"))

    def batches(self) -> Iterator[pl.DataFrame]:
        """The conversations some thousands at a time."""
        for frame in self._rows.frames():
            yield frame.filter(pl.col("seq").is_in(self._left_out.implode()).not_()).select(list(CONVERSATIONS.columns))
        yield self._settled

    def quarantine_batches(self) -> Iterator[pl.DataFrame]:
        """The quarantined lines some thousands at a time."""
        return self._broken.frames()

    def scan(self) -> pl.LazyFrame:
        """The conversations, lazily."""
        kept = self._rows.scan().filter(pl.col("seq").is_in(self._left_out.implode()).not_())
        return pl.concat([kept.select(list(CONVERSATIONS.columns)), self._settled.lazy()])

    def scan_quarantine(self) -> pl.LazyFrame:
        """The quarantined lines, lazily."""
        return self._broken.scan()

    def close(self) -> None:
        """Remove what is on the local disk."""
        self._rows.close()
        self._broken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(slots=True)
class _Day:
    """A day while it is read."""

    day: dt.date
    zone: ZoneInfo
    reader: PlainReader = field(default_factory=PlainReader)
    rows: Spool = field(default_factory=lambda: Spool(CONVERSATIONS.columns | WORKING))
    broken: Spool = field(default_factory=lambda: Spool(QUARANTINE.columns))
    seen: list[pl.DataFrame] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    passed: int = 0
    """Lines gone through, those of other days included."""

    def add(self, block: Block, file: LogFile) -> None:
        """Take in some lines of a file: those of this day."""
        read = self.reader.read(block)
        rest = [self._careful(block.line(place), place, file) for place in read.filter(~pl.col("plain"))["place"]]
        careful = pl.DataFrame([row for row in rest if row], schema=pl.Schema({"place": pl.Int64, **SHAPE}))
        rows = pl.concat([read.filter("plain").select(careful.columns), careful]).sort("place")
        located = rows.join(read.select("place", "line_hash"), on="place", maintain_order="left").with_columns(
            dt=pl.lit(self.day),
            source_file=pl.lit(file.path),
            source_line=block.number + pl.col("place"),
            seq=self.passed + pl.col("place"),
            byte_offset=pl.Series(block.offsets).gather(rows["place"]),
        )
        self.passed += len(block)
        started = pl.col("started_at").dt.convert_time_zone(self.zone.key).dt.date()
        taken = located.filter(file.taken(self.day, started))
        redacted = redact_frame(taken)
        self.counts["lines"] += taken.height
        self.counts["redactions"] += int(redacted["redactions"].sum())
        self.seen.append(redacted.select(list(CENSUS)))
        self.rows.add(redacted)

    def _careful(self, line: Line, place: int, file: LogFile) -> Row | None:
        """The row of a line that is not plain; None for one that is blank or broken, which is noted."""
        here = file.takes(self.day, None)
        if line.broken is None and not line.data.strip():
            self.counts.update(lines=here, blank=here)
            return None
        try:
            return {"place": place} | _parse(line, self.zone)
        except BrokenRecordError as error:
            if here:
                source = {"dt": self.day, "source_file": file.path, "source_line": line.number, "byte_offset": line.offset}
                text = redact_broken(line.data, MAX_KEPT_LINE)
                self.counts["lines"] += 1
                named = {"conversation_id": _conversation_id(text), "user_id": user_named_in(line.data)}
                self._quarantine(source | named | {"redacted_line": text}, error)
            return None

    def _quarantine(self, row: Row, error: BrokenRecordError) -> None:
        self.counts["quarantined"] += 1
        self.broken.add_row(row | {"reason": error.reason, "detail": error.detail})

    def read(self) -> DayRead:
        """What was added, settled and counted."""
        census = Census(pl.concat([pl.DataFrame(schema=pl.Schema(CENSUS)), *self.seen]))
        copies, versions = census.copies(), census.versions()
        competing = self.rows.scan().filter(pl.col("seq").is_in(versions.implode())).collect()
        settled, contradicting = resolve(competing)
        for row in contradicting.to_dicts():
            self._contradicts(row)
        kept = CONVERSATIONS.conform(settled.select(list(CONVERSATIONS.columns)))
        self.counts["duplicates"] = len(copies) + len(versions) - settled.height - contradicting.height
        self.counts["conversations"] = census.lines.height - len(copies) - len(versions) + settled.height
        return DayRead(_accounted(self.counts), self.rows, self.broken, pl.concat([copies, versions]), kept)

    def _contradicts(self, row: Row) -> None:
        kept = {name: row[name] for name in ("dt", "conversation_id", "user_id", "source_file", "source_line", "byte_offset")}
        text = json.dumps(as_record(row), default=str, ensure_ascii=False)[:MAX_KEPT_LINE]
        contradicts = BrokenRecordError("duplicate_id", "conversation_id repeats with other content")
        self._quarantine(kept | {"redacted_line": text}, contradicts)


def read_day(source: LogSource, day: dt.date, *, timezone: str = "UTC") -> DayRead:
    """Read all log files of a day.

    Args:
        source: Where the logs lie.
        day: Its folder's name decides the day of every record in it.
        timezone: The business timezone, in which a time without an offset is read.

    Returns:
        The day's conversations and quarantined lines, with personal data redacted.

    Raises:
        SourceError: The source cannot be listed or a file not be read.
        StorageUnavailable: The object store does not answer.
    """
    state = _Day(day, ZoneInfo(timezone))
    for file in source.files(day):
        state.counts["files"] += 1
        with source.reading(file) as stream:
            for block in read_blocks(stream, file.path):
                state.add(block, file)
    return state.read()


def _parse(line: Line, zone: ZoneInfo) -> Row:
    if line.broken:
        raise BrokenRecordError(line.broken, REASONS[line.broken])
    return parse_record(line.data, zone)


def _conversation_id(redacted: str) -> str | None:
    try:
        record = json.loads(redacted)
        found = record.get("conversation_id") if isinstance(record, dict) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) and found.isprintable() else None


def _accounted(counts: Counter[str]) -> dict[str, int]:
    names = ("files", "lines", "conversations", "quarantined", "duplicates", "blank", "redactions")
    accounts = {name: counts[name] for name in names}
    if accounts["lines"] != sum(accounts[name] for name in ("conversations", "quarantined", "duplicates", "blank")):
        raise ContractError(
            f"the lines of the day do not add up: {accounts}",
            hint="this is a defect of the reader: report it with these numbers",
        )
    return accounts

"""Reads a day of logs: every line becomes a conversation, a quarantined line, or a counted repeat; none is lost.

What belongs here: the accounting of a day. What does not: formats of lines (`lines`, `record`), repeats (`repeats`), tables
(`lake`).
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.fields import REASONS, BrokenRecordError, Row
from wow_flywheel.conversations.lines import Line, read_lines
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.conversations.redaction.json_text import redact_broken
from wow_flywheel.conversations.redaction.rows import redact_row
from wow_flywheel.conversations.repeats import Repeat, resolve
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.errors import ContractError

MAX_KEPT_LINE = 100_000
"""Characters of a redacted line that quarantine keeps; the source file holds the whole."""
BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class DayRead:
    """What a day's files hold.

    Attributes:
        conversations: Contract `conversations`.
        quarantine: Contract `quarantine`.
        counts: files, lines, conversations, quarantined, duplicates (copies and earlier versions of a conversation), blank,
            redactions; lines = conversations + quarantined + duplicates + blank.
    """

    conversations: pl.DataFrame
    quarantine: pl.DataFrame
    counts: Mapping[str, int]


@dataclass(slots=True)
class _Day:
    """A day while it is read; rows go into frames batch by batch, which keeps memory to about that of the frames."""

    day: dt.date
    zone: ZoneInfo
    rows: list[Row] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, file: LogFile) -> None:
        self.counts["lines"] += 1
        if line.broken is None and not line.data.strip():
            self.counts["blank"] += 1
            return
        source: Row = {"dt": self.day, "source_file": file.path, "source_line": line.number}
        try:
            row = source | redact_row(_parse(line, self.zone))
        except BrokenRecordError as error:
            self.broken.append(source | _broken(line, error))
            return
        self.counts["redactions"] += row["redactions"]
        if row["conversation_id"] in self.seen:
            contradicts = BrokenRecordError("duplicate_id", "conversation_id repeats with other content")
            self.repeats.append(Repeat(row, source | _broken(line, contradicts)))
            return
        self.seen.add(row["conversation_id"])
        self.rows.append(row)
        if len(self.rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.rows:
            self.frames.append(pl.DataFrame(self.rows, schema=pl.Schema(CONVERSATIONS.columns)))
            self.rows = []

    def read(self) -> DayRead:
        """What was added, settled and counted."""
        self.flush()
        first = pl.concat(self.frames) if self.frames else CONVERSATIONS.empty()
        kept, contradicting = resolve(first, self.repeats)
        conversations = CONVERSATIONS.conform(kept.sort("started_at", "conversation_id"))
        broken = pl.DataFrame(self.broken + contradicting, schema=pl.Schema(QUARANTINE.columns))
        quarantine = QUARANTINE.conform(broken.sort("source_file", "source_line"))
        duplicates = len(self.repeats) - len(contradicting)
        counts = _accounted(self.counts, conversations.height, quarantine.height, duplicates)
        return DayRead(conversations, quarantine, counts)


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
        for line in _lines(source, file):
            state.add(line, file)
    return state.read()


def _lines(source: LogSource, file: LogFile) -> Iterator[Line]:
    with source.reading(file) as stream:
        yield from read_lines(stream, file.path)


def _parse(line: Line, zone: ZoneInfo) -> Row:
    if line.broken:
        raise BrokenRecordError(line.broken, REASONS[line.broken])
    return parse_record(line.data, zone)


def _broken(line: Line, error: BrokenRecordError) -> Row:
    text = redact_broken(line.data, MAX_KEPT_LINE)
    return {
        "conversation_id": _conversation_id(text),
        "byte_offset": line.offset,
        "reason": error.reason,
        "detail": error.detail,
        "redacted_line": text,
    }


def _conversation_id(redacted: str) -> str | None:
    try:
        record = json.loads(redacted)
        found = record.get("conversation_id") if isinstance(record, dict) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) and found.isprintable() else None


def _accounted(counts: Counter[str], kept: int, quarantined: int, duplicates: int) -> dict[str, int]:
    accounts = {
        "files": counts["files"],
        "lines": counts["lines"],
        "conversations": kept,
        "quarantined": quarantined,
        "duplicates": duplicates,
        "blank": counts["blank"],
        "redactions": counts["redactions"],
    }
    if accounts["lines"] != kept + quarantined + duplicates + accounts["blank"]:
        raise ContractError(
            f"the lines of the day do not add up: {accounts}",
            hint="this is a defect of the reader: report it with these numbers",
        )
    return accounts

"""Reads a day of logs: every line becomes a conversation, a quarantined line, or a counted repeat; none is lost.

What belongs here: the accounting of a day. What does not: formats of lines (`lines`, `record`), tables (`lake`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.lines import Line, read_lines
from wow_flywheel.conversations.record import BrokenRecordError, Row, parse_record, redact_row
from wow_flywheel.conversations.redact import Redactor, redact_json
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.errors import ContractError

MAX_KEPT_LINE = 100_000
"""Characters of a redacted line that quarantine keeps; the source file holds the whole."""
BATCH_ROWS = 5_000
BROKEN_LINES = {
    "truncated_file": "the file ends or is damaged here; what came before it was read",
    "too_long": "the line is longer than 64 MiB",
}


@dataclass(frozen=True, slots=True)
class DayRead:
    """What a day's files hold.

    Attributes:
        conversations: Contract `conversations`.
        quarantine: Contract `quarantine`.
        counts: files, lines, conversations, quarantined, duplicates (repeats and earlier versions of a conversation), blank,
            redactions; lines = conversations + quarantined + duplicates + blank.
    """

    conversations: pl.DataFrame
    quarantine: pl.DataFrame
    counts: Mapping[str, int]


@dataclass(slots=True)
class _Day:
    """A day while it is read; rows go into frames batch by batch, which keeps memory to about that of the frames."""

    day: dt.date
    rows: list[Row] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, file: LogFile) -> None:
        self.counts["lines"] += 1
        if not line.data.strip() and line.broken is None:
            self.counts["blank"] += 1
            return
        source = {"dt": self.day, "source_file": file.path, "source_line": line.number}
        try:
            row = redact_row(_parse(line))
        except BrokenRecordError as error:
            self.quarantine(source, line, error)
            return
        self.counts["redactions"] += row["redactions"]
        self.rows.append(row | source)
        if len(self.rows) >= BATCH_ROWS:
            self.flush()

    def quarantine(self, source: Row, line: Line, error: BrokenRecordError) -> None:
        text = redact_json(Redactor(), line.data.decode("utf-8", errors="replace").replace("\x00", "\ufffd"))
        kept = {
            "byte_offset": line.offset,
            "reason": error.reason,
            "detail": error.detail,
            "redacted_line": text[:MAX_KEPT_LINE],
        }
        self.broken.append(source | kept)

    def flush(self) -> None:
        if self.rows:
            self.frames.append(pl.DataFrame(self.rows, schema=pl.Schema(CONVERSATIONS.columns)))
            self.rows = []


def read_day(source: LogSource, day: dt.date, *, timezone: str = "UTC") -> DayRead:
    """Read all log files of a day.

    Args:
        source: Where the logs lie.
        day: Its folder's name decides the day of every record in it.
        timezone: The business timezone; kept for layouts that take the day from the record.

    Returns:
        The day's conversations and quarantined lines. Of several versions of one conversation (a log that was closed, then went
        on) the one that ended last stays, and the others are counted as duplicates.

    Raises:
        SourceError: The source cannot be listed or a file not be read.
        StorageUnavailable: The object store does not answer.
    """
    del timezone
    state = _Day(day)
    for file in source.files(day):
        state.counts["files"] += 1
        for line in _lines(source, file):
            state.add(line, file)
    state.flush()
    everything = pl.concat(state.frames) if state.frames else CONVERSATIONS.empty()
    conversations = CONVERSATIONS.conform(_latest_versions(everything))
    quarantine = QUARANTINE.conform(pl.DataFrame(state.broken, schema=pl.Schema(QUARANTINE.columns)))
    return DayRead(
        conversations, quarantine, _accounted(state.counts, everything.height, conversations.height, quarantine.height)
    )


def _parse(line: Line) -> Row:
    if line.broken:
        raise BrokenRecordError(line.broken, BROKEN_LINES[line.broken])
    return parse_record(line.data)


def _lines(source: LogSource, file: LogFile) -> Iterator[Line]:
    with source.open(file) as stream:
        yield from read_lines(stream, file.path)


def _latest_versions(rows: pl.DataFrame) -> pl.DataFrame:
    newest_first = rows.with_columns(size=pl.col("messages").list.len()).sort(
        ["ended_at", "size"], descending=True, maintain_order=True
    )
    return (
        newest_first.unique("conversation_id", keep="first", maintain_order=True)
        .drop("size")
        .sort("started_at", "conversation_id")
    )


def _accounted(counts: Counter[str], read: int, kept: int, quarantined: int) -> dict[str, Any]:
    accounts = {
        "files": counts["files"],
        "lines": counts["lines"],
        "conversations": kept,
        "quarantined": quarantined,
        "duplicates": read - kept,
        "blank": counts["blank"],
        "redactions": counts["redactions"],
    }
    if accounts["lines"] != kept + quarantined + accounts["duplicates"] + accounts["blank"]:
        raise ContractError(
            f"the lines of the day do not add up: {accounts}",
            hint="this is a defect of the reader: report it with these numbers",
        )
    return accounts

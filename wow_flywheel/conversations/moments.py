"""Of which business days the lines of a log file are, for files whose folder names no day.

What belongs here: the time that a line begins with, read in blocks. What does not: whether the line is a good record
(`record`), remembering the answer (`log_index`).

The answer needs no care for the last strange line: ingest takes a line on its own day if that is among the file's days, and on
the file's home day if not (`LogFile.takes`), so a line that is misjudged here is read all the same.
"""

import datetime as dt
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.conversations.detect import DETECTED, Formats
from wow_flywheel.conversations.fields import YEAR_2000, YEAR_2100, BrokenRecordError, time
from wow_flywheel.conversations.line_days import line_days
from wow_flywheel.conversations.lines import WHOLE, Block, read_blocks
from wow_flywheel.conversations.readers.registry import NATIVE

BLOCK = 2**24
"""Decompressed bytes that are looked at together."""
LONGEST = 2**26
"""A longer line is passed over, as ingest does."""
STARTED = r'"started_at"'
VALUE = STARTED + r'\s*:\s*("[^"\\]*"|[0-9][0-9.]*)\s*[,}]'
BEFORE = rf"^([^\n]*?){STARTED}"
"""What stands before a start: where it is the record's own, one object is open there."""
ISO = r"^(?<date>\d{4}-\d\d-\d\d)[Tt ](?<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?<zone>Z|[+-]\d\d:\d\d)?$"


@dataclass(frozen=True, slots=True)
class Spread:
    """Over which days a file's lines are spread.

    Attributes:
        days: Lines by business day.
        unreadable: Lines, none of them blank, whose day cannot be read.
    """

    days: Mapping[dt.date, int]
    unreadable: int


Moments = Callable[[str, BinaryIO, ZoneInfo], Spread]
"""Looks through one file: its path, whose ending names the packing, the open file, the business timezone."""


@dataclass(slots=True)
class _Count:
    days: Counter[dt.date] = field(default_factory=Counter)
    unreadable: int = 0

    def add(self, days: Iterable[dt.date | None]) -> None:
        for day in days:
            if day is None:
                self.unreadable += 1
            else:
                self.days[day] += 1

    def spread(self) -> Spread:
        return Spread(dict(sorted(self.days.items())), self.unreadable)


def moments(path: str, stream: BinaryIO, zone: ZoneInfo, formats: Formats = DETECTED) -> Spread:
    """The days of a file of native records, of documents that a reader knows, or of Parquet rows.

    Args:
        path: Its name, whose ending names the packing.
        stream: The file, seekable; closed by the caller.
        formats: The formats of files that are named.
        zone: The business timezone: it decides the day, and the instant of a time without an offset.
    """
    blocks = read_blocks(stream, path)
    first = next(blocks, None)
    if first is None:
        return Spread({}, 0)
    name = formats.of(path, first)
    if name != NATIVE or path.endswith(WHOLE):
        return _documents(name, chain([first], blocks), zone)
    stream.seek(0)
    if path.endswith(".parquet"):
        return _parquet(stream.read(), zone)
    found = _Count()
    for block in _whole_lines(_blocks(stream, path)):
        _add_block(block, zone, found)
    return found.spread()


def _blocks(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """The decompressed bytes up to the end, or to where the file is damaged."""
    plain: Any = stream
    broken: tuple[type[Exception], ...] = ()
    if path.endswith(".gz"):
        plain, broken = gzip.GzipFile(fileobj=stream), (EOFError, gzip.BadGzipFile, zlib.error)
    elif path.endswith(".zst"):
        import zstandard

        plain = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True, closefd=False)
        broken = (zstandard.ZstdError,)
    try:
        while block := plain.read(BLOCK):
            yield block
    except broken:
        return


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes cut at line ends; the rest of a line that is too long is passed over."""
    rest, passing = b"", False
    for block in blocks:
        head, end, tail = block.rpartition(b"\n")
        if not end:
            rest = b"" if passing else rest + tail
        else:
            yield head.partition(b"\n")[2] if passing else rest + head
            rest, passing = tail, False
        passing = passing or len(rest) > LONGEST
        rest = b"" if passing else rest
    yield rest


def _add_block(block: bytes, zone: ZoneInfo, found: _Count) -> None:
    """Count the days of whole lines; only a line that says its time in an unusual way is looked at by itself."""
    lines = pl.DataFrame({"line": [block.decode(errors="replace")]}).select(pl.col("line").str.split("\n")).explode("line")
    lines = lines.filter(pl.col("line").str.contains(r"\S")).with_columns(
        names=pl.col("line").str.count_matches(STARTED, literal=True),
        text=pl.col("line").str.extract(VALUE).str.strip_chars('"'),
        before=pl.col("line").str.extract(BEFORE),
    )
    own = pl.col("before").str.count_matches("{", literal=True) - pl.col("before").str.count_matches("}", literal=True) == 1
    plain = lines.filter(names=1).with_columns(day=pl.when(own).then(_days_of_texts(zone)))
    days = plain["day"].drop_nulls().value_counts()
    found.days.update(dict(days.iter_rows()))
    found.unreadable += lines.filter(names=0).height
    strange = [*plain.filter(pl.col("day").is_null())["line"], *lines.filter(pl.col("names") > 1)["line"]]
    found.add(_day_of(_json(line.encode()), zone) for line in strange)


def _days_of_texts(zone: ZoneInfo) -> pl.Expr:
    """The business day of `text`, as `fields.time` reads it; null where it is written in another way than most are."""
    parts = pl.col("text").str.extract_groups(ISO)
    clock = (
        parts.struct.field("date")
        + "T"
        + parts.struct.field("clock")
        + pl.when(parts.struct.field("clock").str.len_bytes() == len("00:00")).then(pl.lit(":00")).otherwise(pl.lit(""))
    )
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    offset = parts.struct.field("zone").replace("Z", "+00:00")
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(4, 2).cast(pl.Int64)
    ahead = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    instant = local - pl.duration(minutes=ahead)
    named = pl.when(parts.struct.field("zone").is_null()).then(local.dt.date()).otherwise(_date(instant, zone))
    number = pl.col("text").str.extract(r"^(\d{9,19})(?:\.\d+)?$").cast(pl.Int64, strict=False)
    return pl.coalesce(named, _date(_since_1970(number), zone))


def _since_1970(number: pl.Expr) -> pl.Expr:
    """The instant of a whole number of seconds, milliseconds, microseconds or nanoseconds, whichever lies in this century."""
    micros = pl.lit(None, pl.Int64)
    for digits in (0, 3, 6, 9):
        within = number.is_between(YEAR_2000 * 10**digits, YEAR_2100 * 10**digits, closed="left")
        scaled = number * 10 ** (6 - digits) if digits <= 6 else number // 10 ** (digits - 6)
        micros = pl.when(within).then(scaled).otherwise(micros)
    return pl.from_epoch(micros, time_unit="us")


def _date(instant: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    return instant.dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key).dt.date()


def _parquet(data: bytes, zone: ZoneInfo) -> Spread:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if "started_at" not in file.schema_arrow.names:
            return Spread({}, file.metadata.num_rows)
        column = pl.Series("text", file.read(columns=["started_at"]).column(0))
    except (pa.ArrowException, OSError):
        return Spread({}, 1)
    days = _days_of_column(column, zone)
    counted = days.drop_nulls().value_counts(sort=False)
    return Spread(dict(sorted(counted.iter_rows())), days.null_count())


def _days_of_column(column: pl.Series, zone: ZoneInfo) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        instant = pl.col("text") if column.dtype.time_zone is None else pl.col("text").dt.convert_time_zone(zone.key)
        return column.to_frame().select(day=instant.dt.date())["day"]
    text = column.cast(pl.Int64) if column.dtype.is_float() else column
    return text.cast(pl.String, strict=False).to_frame().select(day=_days_of_texts(zone))["day"]


def _documents(name: str, blocks: Iterable[Block], zone: ZoneInfo) -> Spread:
    """The days of lines that are looked at one by one; blank ones count for nothing."""
    count = _Count()
    for block in blocks:
        days = line_days(name, block, zone) if name != NATIVE else (_day_of(_json(line.data), zone) for line in block.lines())
        count.add(day for line, day in zip(block.lines(), days, strict=True) if line.broken or line.data.strip())
    return count.spread()


def _day_of(record: Any, zone: ZoneInfo) -> dt.date | None:
    """The day that `record.parse_record` would find."""
    if not isinstance(record, dict):
        return None
    try:
        return time(record, "started_at", zone).astimezone(zone).date()
    except (BrokenRecordError, OverflowError):
        return None


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None

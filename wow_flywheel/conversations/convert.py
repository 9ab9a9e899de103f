"""Files of another format become the dated log files that the flywheel reads.

What belongs here: which files, documents in them, and writing the result. What does not: formats (`readers`), lines (`lines`),
arguments and printing (`commands`).
"""

import datetime as dt
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.detect import NAMES
from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.lines import read_lines
from wow_flywheel.conversations.readers.feedback import feedback_document
from wow_flywheel.conversations.readers.records import Record
from wow_flywheel.conversations.readers.registry import NATIVE, detect, read
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.conversations.strict_json import line_value
from wow_flywheel.errors import SourceError

KINDS = tuple(f"{kind}{packed}" for kind in (".json", ".jsonl", ".ndjson") for packed in ("", ".gz", ".zst"))
ENDINGS = (*KINDS, ".parquet")
AUTO = "auto"
LOOKED_AT = 100
"""Documents of a file that are shown to the readers before it counts as unknown."""
OUTPUT = "conversations.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Converted:
    """What was converted.

    Attributes:
        format: As which the documents were read; several when files differ.
        files: How many files.
        documents: How many JSON documents in them.
        conversations: How many records were written.
        days: The file written for each day, relative to the output folder.
        ignored: How many things were left out, by reason.
    """

    format: str
    files: int
    documents: int
    conversations: int
    days: list[str]
    ignored: Mapping[str, int]


@dataclass(slots=True)
class _Input:
    """Documents by format, and the count of what is none."""

    documents: int = 0
    of: dict[str, list[Any]] = field(default_factory=dict)
    unknown: int = 0
    ignored: Counter[str] = field(default_factory=Counter)

    def add(self, path: Path, format_name: str) -> None:
        """Take in a file, in the format named or in that of its first documents."""
        documents = self._in(path)
        self.documents += len(documents)
        known = (detect(document) for document in islice(documents, LOOKED_AT))
        name = format_name if format_name != AUTO else next((found for found in known if found), None)
        if name is None:
            self.unknown += len(documents)
        else:
            self.of.setdefault(name, []).extend(documents)

    def _in(self, path: Path) -> list[Any]:
        found = []
        try:
            with path.open("rb") as stream:
                for line in read_lines(stream, path.name):
                    if line.broken:
                        self.ignored[line.broken] += 1
                    elif line.data.strip():
                        found += self._parsed(line.data)
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror or 'cannot be read'}", hint="check INPUT") from error
        return found

    def _parsed(self, data: bytes) -> list[Any]:
        try:
            return [line_value(data)]
        except BrokenRecordError as error:
            self.ignored[error.reason] += 1
            return []


def convert(source: Path, folder: Path, *, format_name: str = AUTO, timezone: str = "UTC") -> Converted:
    """Convert a file, or all files below a folder, into `dt=YYYY-MM-DD/conversations.jsonl.gz` by each record's start.

    Each file's format is that of its first documents which a reader knows, so a folder may hold several. Native records are
    taken over. Calls of one conversation may lie in different files, so all files are read before anything is written.

    Args:
        source: The file or folder of `.json`, `.jsonl` or `.ndjson`, also compressed as `.gz` or `.zst`, or of `.parquet`.
        folder: Where the days' folders are made.
        format_name: A name of a reader, `native`, or `auto`.
        timezone: The business timezone, in which a record's day is counted.

    Raises:
        SourceError: There is no input, no reader knows any of it, or a file of an earlier conversion is in the way.
    """
    files = _files(source)
    given = _Input()
    for path in files:
        given.add(path, format_name)
    if not given.of:
        what = f"none of {given.documents} documents is of a known format" if given.documents else "no JSON in it"
        raise SourceError(f"{source}: {what}", hint=f"name it with --format ({', '.join(NAMES)}), or see docs/formats.md")
    given.ignored["unknown_document"] += given.unknown
    zone = ZoneInfo(timezone)
    records = [record for name in sorted(given.of) for record in _records(name, given, zone)]
    written = _write(folder, _by_day(records, zone))
    ignored = dict(sorted((+given.ignored).items()))
    return Converted(", ".join(sorted(given.of)), len(files), given.documents, len(records), written, ignored)


def _records(name: str, given: _Input, zone: ZoneInfo) -> list[Record]:
    """The records in all documents of one format, by start and id."""
    if name == NATIVE:
        return _native(given.of[name], given.ignored, zone)
    found = read(name, enumerate(given.of[name]), zone)
    given.ignored.update(found.parts)
    return found.records


def _native(documents: Iterable[Any], ignored: Counter[str], zone: ZoneInfo) -> list[Record]:
    """Valid native records as they are, with the feedback to them that stands in documents of its own."""
    records: dict[str, list[Record]] = {}
    later = []
    for document in documents:
        if (said := feedback_document(document)) is not None:
            later.append(said)
            continue
        try:
            row = parse_record(json.dumps(document).encode(), zone)
        except BrokenRecordError as error:
            ignored[error.reason] += 1
            continue
        started = row["started_at"].astimezone(dt.UTC).isoformat()
        records.setdefault(row["conversation_id"], []).append(document | {"started_at": started})
    for name, feedback in later:
        if name not in records or not feedback:
            ignored["no_conversation" if feedback else "unclear_score"] += 1
        for record in records.get(name, ()):
            record["feedback"] = (record.get("feedback") or {}) | feedback
    return sorted((each for same in records.values() for each in same), key=lambda each: str(each["started_at"]))


def _files(source: Path) -> list[Path]:
    found = [source] if source.is_file() else sorted(path for path in source.rglob("*") if _is_input(path, source))
    if not found:
        raise SourceError(f"{source}: no such file, and no folder with logs", hint=f"INPUT holds {', '.join(ENDINGS)}")
    return found


def _is_input(path: Path, source: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(source).parts)
    return path.name.endswith(ENDINGS) and path.is_file() and not hidden


def _by_day(records: list[Record], zone: ZoneInfo) -> dict[str, list[Record]]:
    days: dict[str, list[Record]] = {}
    for record in records:
        started = dt.datetime.fromisoformat(record["started_at"]).astimezone(zone)
        days.setdefault(f"dt={started.date()}/{OUTPUT}", []).append(record)
    return dict(sorted(days.items()))


def _write(folder: Path, days: dict[str, list[Record]]) -> list[str]:
    for name in days:
        if (folder / name).exists():
            raise SourceError(
                f"{folder / name}: exists already", hint="remove it, or convert into an empty folder; nothing was written"
            )
    try:
        for name, records in days.items():
            _write_day(folder / name, records)
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror or 'cannot be written'}", hint="check OUTPUT_FOLDER") from error
    return list(days)


def _write_day(path: Path, records: list[Record]) -> None:
    """Under a hidden name first, so that the flywheel never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(gzip.compress(data, mtime=0))
    part.replace(path)

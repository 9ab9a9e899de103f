"""Files of another format become the dated log files that the flywheel reads.

What belongs here: which files, documents in them, and writing the result. What does not: formats (`readers`), lines (`lines`),
arguments and printing (`commands`).
"""

import datetime as dt
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wow_flywheel.conversations.lines import Line, read_lines
from wow_flywheel.conversations.readers.records import Record
from wow_flywheel.conversations.readers.registry import READERS, detect, read
from wow_flywheel.errors import SourceError

ENDINGS = tuple(f"{kind}{packed}" for kind in (".json", ".jsonl", ".ndjson") for packed in ("", ".gz", ".zst"))
AUTO = "auto"
LOOKED_AT = 100
"""Documents that are shown to the readers before an input counts as unknown."""
OUTPUT = "conversations.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Converted:
    """What was converted.

    Attributes:
        format: As which the documents were read.
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
    """Documents as they are read, and the count of what is none."""

    files: list[Path]
    documents: int = 0
    ignored: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Any]:
        for path in self.files:
            for document in self._of(path):
                self.documents += 1
                yield document

    def _of(self, path: Path) -> Iterator[Any]:
        try:
            with path.open("rb") as stream:
                lines = list(self._whole(read_lines(stream, path.name)))
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror or 'cannot be read'}", hint="check INPUT") from error
        document = _json(b"\n".join(lines)) if ".json" in path.suffixes else None
        if document is not None:
            yield from document if isinstance(document, list) else [document]
            return
        for line in lines:
            document = _json(line)
            if document is None:
                self.ignored["not_json"] += 1
            else:
                yield document

    def _whole(self, lines: Iterator[Line]) -> Iterator[bytes]:
        for line in lines:
            if line.broken:
                self.ignored[line.broken] += 1
            elif line.data.strip():
                yield line.data


def convert(source: Path, folder: Path, *, format_name: str = AUTO, timezone: str = "UTC") -> Converted:
    """Convert a file, or all files below a folder, into `dt=YYYY-MM-DD/conversations.jsonl.gz` by each record's start.

    Calls of one conversation may lie in different files, so all files are read before anything is written.

    Args:
        source: The file or folder of `.json`, `.jsonl` or `.ndjson`, also compressed as `.gz` or `.zst`.
        folder: Where the days' folders are made.
        format_name: A name of a reader, or `auto`: the one that first knows a document.
        timezone: The business timezone, in which a record's day is counted.

    Raises:
        SourceError: There is no input, no reader knows it, or a file of an earlier conversion is in the way.
    """
    given = _Input(_files(source))
    documents = iter(given)
    name, first = _format(source, documents, format_name)
    found = read(name, chain(first, documents))
    days = _by_day(found.records, ZoneInfo(timezone))
    written = _write(folder, days)
    ignored = dict(sorted((given.ignored + Counter(found.ignored)).items()))
    return Converted(name, len(given.files), given.documents, len(found.records), written, ignored)


def _files(source: Path) -> list[Path]:
    found = [source] if source.is_file() else sorted(path for path in source.rglob("*") if _is_input(path, source))
    if not found:
        raise SourceError(f"{source}: no such file, and no folder with logs", hint=f"INPUT holds {', '.join(ENDINGS)}")
    return found


def _is_input(path: Path, source: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(source).parts)
    return path.name.endswith(ENDINGS) and path.is_file() and not hidden


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _format(source: Path, documents: Iterator[Any], name: str) -> tuple[str, list[Any]]:
    """The reader's name, and the documents that were looked at to find it."""
    if name != AUTO:
        return name, []
    first: list[Any] = []
    for document in islice(documents, LOOKED_AT):
        first.append(document)
        if found := detect(document):
            return found, first
    what = f"none of the first {len(first)} documents is of a known format" if first else "no JSON in it"
    raise SourceError(f"{source}: {what}", hint=f"name it with --format ({', '.join(READERS)}), or see docs/formats.md")


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

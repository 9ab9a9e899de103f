"""Where logs lie: a folder or `s3://` prefix of `dt=YYYY-MM-DD/` or `YYYY/MM/DD/` folders, or of both.

What belongs here: listing days and files, and the errors of an unreachable source. What does not: what is in a file (`lines`).
"""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem
from fsspec.core import strip_protocol

from wow_flywheel.errors import SourceError
from wow_flywheel.storage import file_system, storage_errors

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
SETTING = "WOW_LOGS_URI"
YEAR = re.compile(r"[12]\d{3}")
TWO_DIGITS = re.compile(r"\d\d")


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file.

    Attributes:
        path: Relative to the source.
        uri: Where it lies.
        size: In bytes.
        token: Changes whenever the content does: the ETag in S3, modification time and inode on disk.
    """

    path: str
    uri: str
    size: int
    token: str


@dataclass(frozen=True, slots=True)
class LogSource:
    """The logs under one URI.

    Attributes:
        uri: Local folder or `s3://` prefix.
        storage: The file system that it lies in.
    """

    uri: str
    storage: AbstractFileSystem

    @classmethod
    def at(cls, uri: str) -> "LogSource":
        """The source at a URI; nothing is listed or read yet.

        Raises:
            SourceError: The credentials or the endpoint are set wrong.
        """
        with storage_errors(uri, SETTING):
            return cls(uri.rstrip("/"), file_system(uri))

    def days(self) -> list[dt.date]:
        """The days that have a folder, in order; folders that name no date are left out.

        Raises:
            SourceError: The source does not exist, is no folder, or may not be listed.
            StorageUnavailable: The object store does not answer.
        """
        with storage_errors(self.uri, SETTING):
            entries = self.storage.ls(self.uri, detail=True)
        if [entry["type"] for entry in entries if entry["name"] == strip_protocol(self.uri)] == ["file"]:
            raise SourceError(f"{self.uri}: a file, not a folder", hint=f"set {SETTING} to the folder of the days' folders")
        names = [PurePosixPath(entry["name"]).name for entry in entries]
        named = {day for name in names if (day := _day(name)) is not None}
        nested = {day for name in names if YEAR.fullmatch(name) for day in self._days_of_year(name)}
        return sorted(named | nested)

    def files(self, day: dt.date) -> list[LogFile]:
        """The log files of a day, sorted by path; hidden and temporary files and other kinds are left out.

        Raises:
            SourceError: The source does not exist or may not be listed. A day without a folder has no files.
            StorageUnavailable: The object store does not answer.
        """
        found = []
        for folder in (f"{self.uri}/dt={day}", f"{self.uri}/{day:%Y/%m/%d}"):
            with storage_errors(folder, SETTING):
                found += self._found(folder)
        if not found:
            self.days()
        root = strip_protocol(self.uri)
        relative = {str(info["name"]).removeprefix(f"{root}/"): info for info in found}
        return [self._log_file(path, info) for path, info in sorted(relative.items()) if _is_log(path)]

    @contextmanager
    def reading(self, file: LogFile) -> Iterator[BinaryIO]:
        """Open one file for reading bytes; what goes wrong while it is read is raised in the project's words too.

        Raises:
            SourceError: It is gone, or may not be read.
            StorageUnavailable: The object store does not answer.
        """
        with storage_errors(file.uri, SETTING), self.storage.open(file.uri, "rb") as stream:
            yield stream

    def _days_of_year(self, year: str) -> Iterator[dt.date]:
        for month in self._below(f"{self.uri}/{year}"):
            for day in self._below(f"{self.uri}/{year}/{month}"):
                if (date := _day(f"dt={year}-{month}-{day}")) is not None:
                    yield date

    def _below(self, folder: str) -> list[str]:
        """Names of two digits in a folder."""
        with storage_errors(folder, SETTING):
            names = [PurePosixPath(entry["name"]).name for entry in self.storage.ls(folder, detail=True)]
        return [name for name in names if TWO_DIGITS.fullmatch(name)]

    def _found(self, folder: str) -> list[dict[str, Any]]:
        """All files below a folder; unlike fsspec's `find`, a folder that may not be listed is an error, not left out."""
        if not self.storage.exists(folder):
            return []
        walked = self.storage.walk(folder, detail=True, on_error="raise")
        return [info for _, _, files in walked for info in files.values()]

    def _log_file(self, path: str, info: dict[str, Any]) -> LogFile:
        token = info.get("ETag") or f"{info.get('mtime')}-{info.get('ino')}"
        return LogFile(path, f"{self.uri}/{path}", int(info["size"]), str(token).strip('"'))


def _day(name: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(name.removeprefix("dt="))
    except ValueError:
        return None
    return day if name == f"dt={day}" else None


def _is_log(path: str) -> bool:
    hidden = any(part.startswith((".", "_")) for part in PurePosixPath(path).parts)
    return path.endswith(SUFFIXES) and not hidden

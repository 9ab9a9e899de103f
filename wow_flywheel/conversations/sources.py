"""Where logs lie: a folder or `s3://` prefix of files in folders of a day, or in any other folders.

What belongs here: listing days and files, and the errors of an unreachable source. What does not: what paths say (`log_paths`),
what is in a file (`lines`, `moments`), remembering it (`log_index`).
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

import polars as pl
from fsspec import AbstractFileSystem
from fsspec.core import strip_protocol

from wow_flywheel.conversations.detect import DETECTED, Formats, read_formats
from wow_flywheel.conversations.log_paths import dated_folder, folder_day, is_hidden, is_log
from wow_flywheel.conversations.whole_files import whole
from wow_flywheel.errors import SourceError
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel.storage import file_system, is_s3, read_errors, storage_errors

SETTING = "WOW_LOGS_URI"
FIRST_DAY: Final = dt.date(2020, 1, 1)
"""The first business day that there is; times before it are no times of a conversation."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file.

    Attributes:
        path: Relative to the source.
        uri: Where it lies.
        size: In bytes.
        token: Changes whenever the content does: the ETag in S3, modification time and inode on disk.
        modified: When it was last written, in seconds since 1970.
        dated: Whether it lies in a folder of a day, which then is the day of every line.
        home: Of a file that does not, the day that takes the lines whose day cannot be read.
        days: Of such a file, the days that its lines are of, in order; home is among them.
    """

    path: str
    uri: str
    size: int
    token: str
    modified: float = field(default=0.0, compare=False)
    dated: bool = True
    home: dt.date | None = None
    days: tuple[dt.date, ...] = ()

    def takes(self, day: dt.date, line_day: dt.date | None) -> bool:
        """Whether a line of this file is read on a day: each line is on exactly one of the days that list the file.

        Args:
            day: The day that is read.
            line_day: The line's own business day; None if it cannot be read.
        """
        return self.dated or day == (line_day if line_day in self.days else self.home)

    def taken(self, day: dt.date, line_day: pl.Expr) -> pl.Expr:
        """`takes` for a column of days, with nulls where a line's day cannot be read."""
        if self.dated:
            return pl.lit(value=True)
        known = line_day.is_in(list(self.days)).fill_null(value=False)
        return pl.when(known).then(line_day).otherwise(pl.lit(self.home, pl.Date)) == pl.lit(day)


class Index(Protocol):
    """Knows of which days the files are that lie in no day's folder."""

    def placed(self, source: "LogSource", files: Sequence[LogFile]) -> list[LogFile]:
        """The files with their days and their home; a file that is not known yet is read through."""
        ...

    def known(self) -> Mapping[str, LogFile]:
        """What is known already, by path; a file may have changed since."""
        ...


@dataclass(frozen=True, slots=True)
class LogSource:
    """The logs under one URI.

    Attributes:
        uri: Local folder or `s3://` prefix.
        storage: The file system that it lies in.
        index: Places the files that lie in no day's folder.
        manifest: Name of the file that marks a day's folder as complete; it is no log.
        formats: The formats of files that are named.
    """

    uri: str
    storage: AbstractFileSystem
    index: Index
    manifest: str | None = None
    formats: Formats = DETECTED

    @classmethod
    def of(cls, settings: Settings) -> "LogSource":
        """The source that the settings name; its index is in their lake."""
        lake = Lake.at(settings.lake_uri)
        formats = read_formats(settings.logs_format)
        return cls.at(
            settings.logs_uri, lake=lake, timezone=settings.timezone, manifest=settings.logs_manifest, formats=formats
        )

    @classmethod
    def at(
        cls,
        uri: str,
        *,
        lake: Lake | None = None,
        timezone: str = "UTC",
        manifest: str | None = None,
        formats: Formats = DETECTED,
    ) -> "LogSource":
        """The source at a URI; nothing is listed or read yet.

        Args:
            uri: Local folder or `s3://` prefix.
            lake: Where it is remembered of which days a file is; without one, each source looks through its files anew.
            timezone: The business timezone.
            manifest: Name of the file that marks a day's folder as complete.
            formats: The formats of files that are named.

        Raises:
            SourceError: The credentials or the endpoint are set wrong.
        """
        from wow_flywheel.conversations.log_index import log_index

        with storage_errors(uri, SETTING):
            return cls(uri.rstrip("/"), file_system(uri), log_index(lake, timezone, formats), manifest, formats)

    def days(self) -> list[dt.date]:
        """The days that have a folder or lines in a file outside such folders, in order.

        Raises:
            SourceError: The source does not exist, is no folder, or may not be listed.
            StorageUnavailable: The object store does not answer.
        """
        folders, loose = self._outside_dated_folders()
        named = {day for folder in folders if (day := folder_day(folder)) is not None}
        return sorted(named.union(*(file.days for file in self.index.placed(self, loose))))

    def files(self, day: dt.date) -> list[LogFile]:
        """The log files with lines of a day, sorted by path; hidden and temporary files and other kinds are left out.

        Raises:
            SourceError: The source does not exist or may not be listed. A day without files has none.
            StorageUnavailable: The object store does not answer.
        """
        folders, loose = self._outside_dated_folders()
        here = [folder for folder in folders if folder_day(folder) == day]
        dated = [file for folder in here for file in self._logs(self._below(folder, lambda _: True))]
        placed = [file for file in self.index.placed(self, loose) if day in file.days]
        return sorted(dated + placed, key=lambda file: file.path)

    def listing(self) -> tuple[list[LogFile], set[str]]:
        """All log files by one listing, those outside the days' folders without their days; and the paths of other files."""
        with storage_errors(self.uri, SETTING):
            found = self._everything()
        paths = {self._relative(info) for info in found}
        return self._logs(iter(found)), {path for path in paths if not self._is_log(path)}

    @contextmanager
    def reading(self, file: LogFile) -> Iterator[BinaryIO]:
        """Open one file for reading bytes; what goes wrong while it is read is raised in the project's words too.

        Raises:
            SourceError: It may not be read.
            StorageUnavailable: The object store does not answer, or the file changed or went away since it was listed.
        """
        with read_errors(file.uri, SETTING), self.storage.open(file.uri, "rb") as stream:
            yield whole(stream, file.uri) if is_s3(file.uri) else stream

    def _outside_dated_folders(self) -> tuple[list[str], list[LogFile]]:
        """The days' folders, and the log files that lie outside them."""
        dated: list[str] = []

        def descend(folder: str) -> bool:
            if folder_day(folder) is not None:
                dated.append(folder)
                return False
            return not is_hidden(folder)

        loose = self._logs(self._below("", descend))
        return sorted(dated), loose

    def _everything(self) -> list[dict[str, Any]]:
        if not is_s3(self.uri):
            return list(self._below("", lambda _: True))
        return list(self.storage.find(self.uri, detail=True).values()) or list(self._below("", lambda _: True))

    def _below(self, folder: str, descend: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
        """The files in a folder and below it; unlike with fsspec's `walk`, a folder that may not be listed is an error."""
        place = f"{self.uri}/{folder}".rstrip("/")
        with storage_errors(place, SETTING):
            entries = self.storage.ls(place, detail=True)
        own = strip_protocol(place)
        for entry in entries:
            if entry["name"].rstrip("/") == own:
                if entry["type"] == "file" and not folder and len(entries) == 1 and not entry["name"].endswith("/"):
                    raise SourceError(f"{self.uri}: a file, not a folder", hint=f"set {SETTING} to the folder of the logs")
            elif entry["type"] == "directory":
                if descend(self._relative(entry)):
                    yield from self._below(self._relative(entry), descend)
            else:
                yield entry

    def _logs(self, found: Iterator[dict[str, Any]]) -> list[LogFile]:
        files = [self._log_file(path, info) for info in found if self._is_log(path := self._relative(info))]
        return sorted(files, key=lambda file: file.path)

    def _is_log(self, path: str) -> bool:
        return is_log(path) and path.rpartition("/")[2] != self.manifest

    def _relative(self, info: dict[str, Any]) -> str:
        return str(info["name"]).rstrip("/").removeprefix(f"{strip_protocol(self.uri)}/")

    def _log_file(self, path: str, info: dict[str, Any]) -> LogFile:
        token = info.get("ETag") or f"{info.get('mtime')}-{info.get('ino')}"
        written = info.get("LastModified") or info.get("mtime") or 0.0
        modified = written.timestamp() if isinstance(written, dt.datetime) else float(written)
        dated = dated_folder(path) is not None
        return LogFile(path, f"{self.uri}/{path}", int(info["size"]), str(token).strip('"'), modified, dated)

"""Where logs lie: a folder or `s3://` prefix of `dt=YYYY-MM-DD/` folders.

What belongs here: listing days and files, and the errors of an unreachable source. What does not: what is in a file (`lines`).
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

from fsspec import AbstractFileSystem

from wow_flywheel.errors import SourceError, StorageUnavailable
from wow_flywheel.storage import file_system, is_s3

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file.

    Attributes:
        path: Relative to the source.
        size: In bytes.
        token: Changes whenever the content does: the ETag in S3, the modification time on disk.
    """

    path: str
    size: int
    token: str


@dataclass(frozen=True, slots=True)
class LogSource:
    """The logs under one URI.

    Attributes:
        uri: Local folder or `s3://` prefix.
        files_system: The opened file system.
    """

    uri: str
    files_system: AbstractFileSystem

    @classmethod
    def at(cls, uri: str) -> "LogSource":
        """The source at a URI; nothing is read yet."""
        return cls(uri.rstrip("/"), file_system(uri))

    def days(self) -> list[dt.date]:
        """The days that have a folder, in order; a folder `dt=…` whose rest is no date is left out.

        Raises:
            SourceError: The source does not exist or may not be listed.
            StorageUnavailable: The object store does not answer.
        """
        names = self._ask(lambda: self.files_system.ls(self.uri, detail=False))
        return sorted(day for name in names if (day := _day(PurePosixPath(str(name)).name)) is not None)

    def files(self, day: dt.date) -> list[LogFile]:
        """The log files of a day, sorted by path; hidden and temporary files and other kinds are left out.

        Raises:
            SourceError: The source does not exist or may not be listed.
            StorageUnavailable: The object store does not answer.
        """
        if day not in self.days():
            return []
        found = self._ask(lambda: self.files_system.find(f"{self.uri}/dt={day}", detail=True))
        root = self.files_system._strip_protocol(self.uri)  # noqa: SLF001 - fsspec's own way to name a path, not exported
        relative = {str(path)[len(root) + 1 :]: info for path, info in found.items()}
        return [_log_file(path, info) for path, info in sorted(relative.items()) if _is_log(path)]

    def open(self, file: LogFile) -> Any:
        """Open one file for reading bytes.

        Raises:
            SourceError: It is gone, or may not be read.
            StorageUnavailable: The object store does not answer.
        """
        return self._ask(lambda: self.files_system.open(f"{self.uri}/{file.path}", "rb"))

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except FileNotFoundError as error:
            raise SourceError(f"{self.uri}: no such folder or file", hint="check WOW_LOGS_URI") from error
        except PermissionError as error:
            keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if is_s3(self.uri) else "the folder's permissions"
            raise SourceError(
                f"{self.uri}: access denied", hint=f"check {keys}: wrong, expired or not allowed to read"
            ) from error
        except OSError as error:
            raise StorageUnavailable(
                f"{self.uri}: the storage does not answer ({type(error).__name__})",
                hint="try again; if it stays so, check AWS_ENDPOINT_URL and the network",
            ) from error


def _day(name: str) -> dt.date | None:
    if not name.startswith("dt="):
        return None
    try:
        return dt.date.fromisoformat(name.removeprefix("dt="))
    except ValueError:
        return None


def _is_log(path: str) -> bool:
    hidden = any(part.startswith((".", "_")) for part in PurePosixPath(path).parts)
    return path.endswith(SUFFIXES) and not hidden


def _log_file(path: str, info: dict[str, Any]) -> LogFile:
    token = info.get("ETag") or info.get("mtime") or info.get("LastModified")
    return LogFile(path, int(info["size"]), str(token).strip('"'))

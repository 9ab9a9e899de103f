"""Reading an object in S3 so that an answer which ends early is an error, and not the end of a truncated log.

What belongs here: that guard. What does not: opening files and the errors of a store (`storage`), damaged files (`lines`).
"""

import io
from typing import Any, BinaryIO, cast

from wow_flywheel.errors import StorageUnavailable


class _Whole(io.RawIOBase):
    """A file in S3 whose end counts only where its size says that it ends."""

    def __init__(self, stream: Any, uri: str) -> None:
        self._stream, self._uri = stream, uri

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._stream.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except IndexError as error:
            if isinstance(error.__context__, OSError):  # s3fs fails over a time-out, which has no error number
                raise error.__context__ from error
            raise
        if not data and self.tell() < self._stream.size:
            said = f"{self._uri}: the answer ends at byte {self.tell()} of {self._stream.size}"
            raise StorageUnavailable(said, hint="try again; if it stays so, check what lies between here and AWS_ENDPOINT_URL")
        buffer[: len(data)] = data
        return len(data)


def whole(stream: BinaryIO, uri: str) -> BinaryIO:
    """An open file of s3fs, read so that an answer which ends early is an error and not the end of the file."""
    return cast("BinaryIO", io.BufferedReader(_Whole(stream, uri), 2**20))

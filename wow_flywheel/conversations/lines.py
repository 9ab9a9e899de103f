"""Log files as numbered lines, whatever their compression; Parquet rows as JSON lines.

What belongs here: bytes, line numbers, byte offsets, truncation. What does not: what a line means (`record`).
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is quarantined unread: no conversation is that long."""
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log file.

    Attributes:
        number: From 1.
        offset: Of its first byte in the decompressed file; for Parquet, the row's index.
        data: Its bytes without the line ending.
        broken: Why it cannot be trusted: `truncated_file`, `too_long`; None for a whole line.
    """

    number: int
    offset: int
    data: bytes
    broken: str | None = None


def read_lines(stream: BinaryIO, path: str) -> Iterator[Line]:
    """The lines of an open log file, blank ones included.

    A compressed file that ends early or is damaged gives the lines before the damage, then one line marked `truncated_file`.

    Args:
        stream: The file, opened for bytes; closed by the caller.
        path: Its name, whose ending names the format.
    """
    if path.endswith(".parquet"):
        yield from _parquet_rows(stream)
        return
    offset = 0
    number = 0
    plain = _decompressed(stream, path)
    while True:
        try:
            data = plain.readline(MAX_LINE_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            yield Line(number + 1, offset, b"", "truncated_file")
            return
        if not data:
            return
        number += 1
        if len(data) == MAX_LINE_BYTES and not data.endswith(b"\n"):
            skipped = _skip_line(plain)
            yield Line(number, offset, data[:1000], "too_long")
            offset += len(data) + skipped
            continue
        start = data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data
        yield Line(number, offset, start.removesuffix(b"\n").removesuffix(b"\r"))
        offset += len(data)


def _decompressed(stream: BinaryIO, path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value] # it has all that BinaryIO names
    if path.endswith(".zst"):
        return io.BufferedReader(_Zstandard(stream), CHUNK)
    return stream


class _Zstandard(io.RawIOBase):
    """A Zstandard stream that raises EOFError when it ends inside a frame, as gzip does; the library's own reader just ends."""

    def __init__(self, stream: BinaryIO) -> None:
        import zstandard

        self._stream = stream
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._error = zstandard.ZstdError
        self._frame: Any = None
        self._waiting = b""
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._waiting or self._stream.read(CHUNK)
            if not data:
                if self._frame is not None:
                    raise EOFError("the stream ends inside a frame")
                return 0
            self._feed(data)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _feed(self, data: bytes) -> None:
        self._frame = self._frame or self._new_frame()
        try:
            self._ready = self._frame.decompress(data)
        except self._error as error:
            raise EOFError("the stream is damaged") from error
        self._waiting = b""
        if self._frame.eof:
            self._waiting, self._frame = self._frame.unused_data, None


def _skip_line(plain: BinaryIO) -> int:
    skipped = 0
    while data := plain.readline(2**20):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped


def _parquet_rows(stream: BinaryIO) -> Iterator[Line]:
    import pyarrow.parquet as pq

    index = 0
    for batch in pq.ParquetFile(stream).iter_batches(batch_size=1000):
        for row in batch.to_pylist():
            yield Line(index + 1, index, json.dumps(row, default=str, ensure_ascii=False).encode())
            index += 1

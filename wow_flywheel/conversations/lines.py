"""Log files as numbered lines, whatever their compression; Parquet rows as JSON lines.

What belongs here: bytes, line numbers, byte offsets, truncation. What does not: what a line means (`record`).
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is quarantined unread: no conversation is that long."""
KEPT_OF_LONG = 2**16
CHUNK = 2**16
"""Bytes read at once; what is lost of a damaged Zstandard file before the damage is at most what one such piece holds."""
PARQUET_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log file.

    Attributes:
        number: From 1.
        offset: Of its first byte in the decompressed file; for Parquet, the row's index.
        data: Its bytes without the line ending; of a line too long, the beginning.
        broken: Why it cannot be trusted: `truncated_file`, `too_long`; None for a whole line.
    """

    number: int
    offset: int
    data: bytes
    broken: str | None = None


class DamagedFileError(Exception):
    """A file ends in the middle, or is damaged: what comes after cannot be read."""


def read_lines(stream: BinaryIO, path: str) -> Iterator[Line]:
    """The lines of an open log file, blank ones included. Only b"\\n" ends a line; a "\\r" before it and a BOM are dropped.

    A file that ends early or is damaged gives the lines before the damage, then one line marked `truncated_file` with what came
    of it.

    Args:
        stream: The file, opened for bytes; closed by the caller.
        path: Its name, whose ending names the format.
    """
    if path.endswith(".parquet"):
        yield from _parquet_lines(stream)
        return
    splitter = _Splitter()
    try:
        for chunk in _plain(stream, path):
            yield from splitter.feed(chunk)
    except DamagedFileError:
        yield splitter.rest("truncated_file")
        return
    if splitter.pending:
        yield splitter.rest()


class _Splitter:
    """Cuts a stream of bytes at b"\\n" and keeps count."""

    def __init__(self) -> None:
        self.pending = 0
        self._number = 1
        self._offset = 0
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that this chunk completes."""
        *ends, tail = chunk.split(b"\n")
        for end in ends:
            self._hold(end)
            size = self.pending + 1
            yield self.rest()
            self._number, self._offset, self._pieces, self.pending = self._number + 1, self._offset + size, [], 0
        self._hold(tail)

    def rest(self, broken: str | None = None) -> Line:
        """What was not ended yet, as a line."""
        data = b"".join(self._pieces)
        if self.pending > MAX_LINE_BYTES:
            return Line(self._number, self._offset, data[:KEPT_OF_LONG], broken or "too_long")
        start = data.removeprefix(b"\xef\xbb\xbf") if self._number == 1 else data
        return Line(self._number, self._offset, start.removesuffix(b"\r"), broken)

    def _hold(self, piece: bytes) -> None:
        if piece and self.pending <= MAX_LINE_BYTES:
            self._pieces.append(piece)
        self.pending += len(piece)


def _plain(stream: BinaryIO, path: str) -> Iterator[bytes]:
    if path.endswith(".gz"):
        return _gzip_chunks(stream)
    if path.endswith(".zst"):
        return _zstandard_chunks(stream)
    return iter(lambda: stream.read(CHUNK), b"")


def _gzip_chunks(stream: BinaryIO) -> Iterator[bytes]:
    empty = True
    plain = gzip.GzipFile(fileobj=stream)
    try:
        while chunk := plain.read1(CHUNK):
            empty = False
            yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedFileError from error
    if empty and stream.seek(0, io.SEEK_END) == 0:
        raise DamagedFileError


def _zstandard_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The library's own reader just ends when a stream ends inside a frame, so frames are followed here."""
    import zstandard

    frame = None
    data = stream.read(CHUNK)
    if not data:
        raise DamagedFileError
    while data:
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        try:
            chunk = frame.decompress(data)
        except zstandard.ZstdError as error:
            raise DamagedFileError from error
        if chunk:
            yield chunk
        data = b""
        if frame.eof:
            data, frame = frame.unused_data, None
        data = data or stream.read(CHUNK)
    if frame is not None:
        raise DamagedFileError


def _parquet_lines(stream: BinaryIO) -> Iterator[Line]:
    """Rows as JSON lines. The file is held in memory, so that an error while it is decoded is damage, not a broken network."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = stream.read()
    index = 0
    try:
        for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=PARQUET_ROWS):
            for row in batch.to_pylist():
                yield Line(index + 1, index, json.dumps(row, default=str, ensure_ascii=False).encode(errors="replace"))
                index += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        yield Line(index + 1, index, b"", "truncated_file")

"""Log files as blocks of numbered lines, whatever their compression; Parquet rows as JSON lines.

What belongs here: bytes, line numbers, byte offsets, truncation. What does not: what a line means (`record`, `plain`).
"""

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from wow_flywheel.conversations.fields import json_object, repeats_keys

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is quarantined unread: no conversation is that long."""
KEPT_OF_LONG = 2**16
CHUNK = 2**16
"""Bytes read at once; what is lost of a damaged Zstandard file before the damage is at most what one such piece holds."""
BLOCK = 8 * 2**20
"""Bytes of lines handled at once."""
PARQUET_ROWS = 1000
WHOLE = (".json", ".json.gz", ".json.zst")
"""Names of files that may be one JSON document; lines with such a name are read as lines."""
BOM = b"\xef\xbb\xbf"
END = ord("\n")


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


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that follow each other in a file.

    Attributes:
        number: Of the first one.
        offsets: Of each line's first byte in the decompressed file; for Parquet, the row's index.
        data: Their bytes, each line with its ending, if it has one.
        bounds: Where in `data` each line begins, and where the last one ends: one more than there are lines.
        broken: Why a line cannot be trusted, by its place in the block.
    """

    number: int
    offsets: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    data: bytes
    bounds: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    broken: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def line(self, place: int) -> Line:
        """One line of the block, without its ending."""
        start, end = int(self.bounds[place]), int(self.bounds[place + 1])
        data = self.data[start:end].removesuffix(b"\n").removesuffix(b"\r")
        return Line(self.number + place, int(self.offsets[place]), data, self.broken.get(place))

    def lines(self) -> Iterator[Line]:
        """All lines of the block."""
        return map(self.line, range(len(self)))

    def texts(self) -> pa.LargeStringArray:
        """The lines as texts, with their endings; null where a line is not UTF-8 or cannot be trusted."""
        raw = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(self), [None, pa.py_buffer(self.bounds), pa.py_buffer(self.data)]
        )
        if not self.broken:
            try:
                return raw.cast(pa.large_string())
            except pa.ArrowInvalid:  # some line is not UTF-8: looked for below, in this block only
                pass
        return pa.array([self._text(place) for place in range(len(self))], pa.large_string())

    def _text(self, place: int) -> str | None:
        line = self.line(place)
        try:
            return None if line.broken else line.data.decode()
        except UnicodeDecodeError:
            return None


class DamagedFileError(Exception):
    """A file ends in the middle, or is damaged: what comes after cannot be read."""


def read_lines(stream: BinaryIO, path: str) -> Iterator[Line]:
    """The lines of an open log file one by one; see `read_blocks`."""
    for block in read_blocks(stream, path):
        yield from block.lines()


def read_blocks(stream: BinaryIO, path: str) -> Iterator[Block]:
    """The lines of an open log file, blank ones included. Only b"\\n" ends a line; a "\\r" before it and a BOM are dropped.

    A file that ends early or is damaged gives the lines before the damage, then one line marked `truncated_file` with what came
    of it.

    Args:
        stream: The file, opened for bytes; closed by the caller.
        path: Its name, whose ending names the format.
    """
    if path.endswith(".parquet"):
        yield from _parquet_blocks(stream)
        return
    if path.endswith(WHOLE):
        raw = stream.read()
        rows = _json_rows(raw, path)
        if rows is not None:
            yield rows
            return
        stream = io.BytesIO(raw)
    cutter = _Cutter()
    try:
        for chunk in _plain(stream, path):
            yield from cutter.feed(chunk)
    except DamagedFileError:
        yield from cutter.rest("truncated_file")
        return
    yield from cutter.rest()


class _Cutter:
    """Cuts a stream of bytes into blocks at b"\\n" and keeps count. A line too long is not held: only its beginning is."""

    def __init__(self) -> None:
        self._number = 1
        self._offset = 0
        self._pieces: list[bytes] = []
        self._held = 0
        self._ends = False
        """Whether a line ends in what is held: without that, joining the pieces again and again would only cost time."""
        self._long = 0
        """Bytes so far of a line too long, whose beginning alone is held."""

    def feed(self, chunk: bytes) -> Iterator[Block]:
        """The blocks that this chunk completes."""
        if self._long:
            end = chunk.find(b"\n") + 1
            self._long += end or len(chunk)
            if not end:
                return
            yield self._take_long("too_long")
            chunk = chunk[end:]
        self._pieces.append(chunk)
        self._held += len(chunk)
        self._ends |= b"\n" in chunk
        if (self._ends and self._held >= min(BLOCK, MAX_LINE_BYTES)) or self._held > MAX_LINE_BYTES:
            yield from self._whole()

    def rest(self, broken: str | None = None) -> Iterator[Block]:
        """What was not given yet; its last line, which has no end, is marked if the file is damaged there."""
        if self._long:
            yield self._take_long(broken or "too_long")
            return
        yield from self._whole()
        data = b"".join(self._pieces)
        if data or broken:
            yield self._block(data, broken)

    def _whole(self) -> Iterator[Block]:
        """The lines that have their end; what remains is held, or is a line too long."""
        data = b"".join(self._pieces)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield self._block(data[:cut])
            data = data[cut:]
        self._pieces, self._held, self._ends = [data], len(data), False
        if len(data) > MAX_LINE_BYTES:
            self._pieces, self._long = [data[:KEPT_OF_LONG]], len(data)

    def _take_long(self, broken: str) -> Block:
        size, self._long = self._long, 0
        kept = b"".join(self._pieces)
        self._pieces, self._held = [], 0
        block = self._block(kept, broken)
        self._offset += size - len(kept)
        return block

    def _block(self, data: bytes, broken: str | None = None) -> Block:
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == END) + 1
        if len(data) > (int(ends[-1]) if len(ends) else 0) or not data:
            ends = np.append(ends, len(data))
        bounds = np.concatenate([np.zeros(1, dtype=np.int64), ends.astype(np.int64)])
        marks = {len(ends) - 1: broken} if broken else _too_long(bounds)
        block = Block(self._number, bounds[:-1] + self._offset, data, bounds, marks)
        if self._number == 1 and data.startswith(BOM):
            bounds[0] = len(BOM)
        self._number += len(ends)
        self._offset += len(data)
        return block


def _too_long(bounds: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> dict[int, str]:
    return dict.fromkeys(np.flatnonzero(np.diff(bounds) > MAX_LINE_BYTES + 1).tolist(), "too_long")


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


def _parquet_blocks(stream: BinaryIO) -> Iterator[Block]:
    """Rows as JSON lines. The file is held in memory, so that an error while it is decoded is damage, not a broken network."""
    import pyarrow.parquet as pq

    data = stream.read()
    index = 0
    try:
        for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=PARQUET_ROWS):
            rows = [_row_text(row) for row in batch.to_pylist()]
            yield _rows_block(index, rows)
            index += len(rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        yield _rows_block(index, [b""], {0: "truncated_file"})


def _row_text(row: dict[str, Any]) -> bytes:
    """A row as a JSON line; a table has every column in every row, so one that is null, or NaN, is not there."""
    said = {name: value for name, value in row.items() if value is not None and not _is_nan(value)}
    return json.dumps(said, default=str, ensure_ascii=False).encode(errors="replace")


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _json_rows(raw: bytes, path: str) -> Block | None:
    """The elements of a file that is one JSON array, or its one object, as rows; None if it holds lines."""
    try:
        found = json.loads(b"".join(_plain(io.BytesIO(raw), path)), object_pairs_hook=json_object)
    except (DamagedFileError, ValueError, RecursionError):
        return None
    elements = found if isinstance(found, list) else [found]
    rows = [json.dumps(each, ensure_ascii=False).encode(errors="surrogatepass") for each in elements]
    return _rows_block(0, rows, {place: "duplicate_key" for place, each in enumerate(elements) if repeats_keys(each)})


def _rows_block(index: int, rows: list[bytes], broken: dict[int, str] | None = None) -> Block:
    bounds = np.cumsum([0, *(len(row) + 1 for row in rows)], dtype=np.int64)
    offsets = np.arange(index, index + len(rows), dtype=np.int64)
    return Block(index + 1, offsets, b"".join(row + b"\n" for row in rows), bounds, broken or {})

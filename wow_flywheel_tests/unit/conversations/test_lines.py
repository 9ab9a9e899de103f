"""Damaged files: what can be read is read, and the rest is one line marked as such."""

import gzip
import io

import polars as pl
import pytest
import zstandard

from wow_flywheel.conversations import lines
from wow_flywheel.conversations.lines import Line, read_lines

TEXT = b"".join(b"%06d\n" % number for number in range(20_000))


def read(data: bytes, path: str = "a.jsonl") -> list[Line]:
    return list(read_lines(io.BytesIO(data), path))


def test_lines_have_numbers_and_offsets() -> None:
    assert read(b"\xef\xbb\xbfa\r\n\nb\x0bc\xe2\x80\xa8d\r\re\n\r\nf") == [
        Line(1, 0, b"a"),
        Line(2, 6, b""),
        Line(3, 7, b"b\x0bc\xe2\x80\xa8d\r\re"),
        Line(4, 18, b""),
        Line(5, 20, b"f"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = read(b"ab\r\n\ncdef\nlast")
    monkeypatch.setattr(lines, "CHUNK", size)
    assert read(b"ab\r\n\ncdef\nlast") == whole
    assert read(gzip.compress(b"ab\r\n\ncdef\nlast"), "a.jsonl.gz") == whole
    assert read(zstandard.compress(b"ab\r\n\ncdef\nlast"), "a.jsonl.zst") == whole


def pack(suffix: str) -> bytes:
    if suffix == "gz":
        return gzip.compress(TEXT, mtime=0)
    packer = zstandard.ZstdCompressor().compressobj()
    blocks = [
        packer.compress(TEXT[at : at + 7000]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for at in range(0, len(TEXT), 7000)
    ]
    return b"".join(blocks) + packer.flush()


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_truncated_file_is_read_up_to_where_it_ends(suffix: str) -> None:
    data = pack(suffix)
    *whole, last = read(data[: len(data) // 2], f"a.jsonl.{suffix}")
    assert len(whole) > 5_000
    assert b"".join(each.data + b"\n" for each in whole) + last.data == TEXT[: last.offset + len(last.data)]
    assert (last.number, last.broken) == (len(whole) + 1, "truncated_file")
    assert all(each.broken is None for each in whole)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("damage", [lambda d: d[:-3], lambda d: d[:-4] + b"oops", lambda d: d + b"junk", lambda d: b""])
def test_damage_at_the_end_is_seen(suffix: str, damage) -> None:
    *whole, last = read(damage(pack(suffix)), f"a.jsonl.{suffix}")
    assert last.broken == "truncated_file"
    assert len(whole) in {0, 20_000} or suffix == "zst"


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_members_follow_each_other(suffix: str) -> None:
    assert [each.data for each in read(pack(suffix) * 2, f"a.jsonl.{suffix}")] == TEXT.split(b"\n")[:-1] * 2


def test_a_line_too_long_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(lines, "CHUNK", 64)
    monkeypatch.setattr(lines, "KEPT_OF_LONG", 10)
    assert read(b"a\n" + b"x" * 1000 + b"\nb\n" + b"y" * 100) == [
        Line(1, 0, b"a"),
        Line(2, 2, b"x" * 10, "too_long"),
        Line(3, 1003, b"b"),
        Line(4, 1005, b"y" * 100),
    ]


def parquet() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"n": range(10_000)}).write_parquet(stream, row_group_size=1000)
    return stream.getvalue()


@pytest.mark.parametrize(
    "damage",
    [lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"PAR1" * 9, lambda d: d[:20000] + b"\xff" * 900 + d[20900:]],
)
def test_a_damaged_parquet_file_is_seen(damage) -> None:
    *whole, last = read(damage(parquet()), "a.parquet")
    assert last.broken == "truncated_file"
    assert last.offset == len(whole)


def test_parquet_rows_are_json() -> None:
    rows = read(parquet(), "a.parquet")
    assert (len(rows), rows[7].data, rows[7].number, rows[7].offset) == (10_000, b'{"n": 7}', 8, 7)

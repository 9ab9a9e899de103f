"""Whatever happens to a valid file, every line is read, quarantined or counted, and no planted value is stored."""

import gzip
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.fields import REASONS
from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read, record

PLANTED = ("ann.lee@mail.example", "13800138000", "4111 1111 1111 1111", "11010519491231002X")


def whole_day() -> bytes:
    """Forty valid conversations, each with planted values in every kind of text."""
    lines = []
    for number in range(40):
        call = {"id": "1", "function": {"name": "find", "arguments": json.dumps({"email": PLANTED[0], "n": number})}}
        spoken = [
            {"role": "user", "content": f"我是{PLANTED[0]}，手机{PLANTED[1]}", "created_at": "2026-11-05T08:00:00Z"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": json.dumps({"card": PLANTED[2], "id": PLANTED[3]}), "tool_call_id": "1"},
        ]
        lines.append(line(f"c-{number}", messages=spoken, feedback={"thumb": "up", "comment": f"call {PLANTED[1]}"}))
    return b"\n".join(lines) + b"\n"


TEXT = whole_day()
PACKED = {".jsonl": TEXT, ".jsonl.gz": gzip.compress(TEXT, mtime=0), ".jsonl.zst": zstandard.compress(TEXT)}


def read_bytes(data: bytes, suffix: str) -> DayRead:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"dt={DAY}" / f"a{suffix}"
        path.parent.mkdir()
        path.write_bytes(data)
        return read(Path(folder))


def check(day: DayRead) -> None:
    counts = day.counts
    assert counts["lines"] == counts["conversations"] + counts["quarantined"] + counts["duplicates"] + counts["blank"]
    assert (day.conversations.height, day.quarantine.height) == (counts["conversations"], counts["quarantined"])
    assert set(day.quarantine["reason"]) <= set(REASONS)


def stored(day: DayRead) -> str:
    return json.dumps([*day.conversations.to_dicts(), *day.quarantine.to_dicts()], default=str, ensure_ascii=False)


@pytest.mark.parametrize("suffix", PACKED)
def test_the_whole_file_is_read_and_redacted(suffix: str) -> None:
    day = read_bytes(PACKED[suffix], suffix)
    check(day)
    assert (day.counts["conversations"], day.counts["redactions"]) == (40, 40 * 6)
    assert not any(value in stored(day) for value in PLANTED)


edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 40), st.binary(max_size=8) | st.sampled_from([b"\n", b'"', b"{", b"\\", b"\x00"])
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from(sorted(PACKED)), edits)
def test_any_bytes_changed(suffix: str, edits: list[tuple[float, int, bytes]]) -> None:
    data = PACKED[suffix]
    for place, length, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    check(read_bytes(data, suffix))


@settings(max_examples=examples(25), deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([b"", b"\n", b"}", b'"', b"\xff", b"\\"]))
def test_a_cut_outside_the_values_leaks_none(start: float, end: float, new: bytes) -> None:
    """Lines broken between their fields: what quarantine keeps of them is redacted as if they were whole."""
    lines = TEXT.split(b"\n")
    first, last = sorted((int(start * 39), int(end * 39)))
    for number in range(first, last + 1):
        lines[number] = lines[number].replace(b'"feedback"', new + b'"feedback', 1)
    day = read_bytes(b"\n".join(lines), ".jsonl")
    check(day)
    assert not any(value in stored(day) for value in PLANTED)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just([]) | st.just({})
)
fields = st.sampled_from([*record(), "locale", "feedback"])


@settings(max_examples=examples(40), deadline=None)
@given(
    fields,
    scalars,
    st.sampled_from(["role", "content", "created_at", "tool_calls", "tool_call_id", "usage", "action"]),
    scalars,
)
def test_any_field_with_any_value(field: str, value: object, inner: str, inner_value: object) -> None:
    spoken = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"} | {inner: inner_value}]
    changed = json.dumps(record("c-2") | {field: value}).encode()
    day = read_bytes(line(messages=spoken) + b"\n" + changed + b"\n", ".jsonl")
    check(day)
    assert day.counts["lines"] == 2


@settings(max_examples=examples(15), deadline=None)
@given(edits)
def test_any_bytes_of_a_parquet_file_changed(edits: list[tuple[float, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        pl.DataFrame([record(f"c-{number}") for number in range(20)]).write_parquet(path)
        data = path.read_bytes()
    for place, length, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    check(read_bytes(data, ".parquet"))

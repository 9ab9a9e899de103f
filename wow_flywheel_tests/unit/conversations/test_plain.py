"""The reader of many lines at once says what the careful one says, and leaves to it what is not plain."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.arrow_lines import objects
from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.lines import BLOCK, Block, read_blocks
from wow_flywheel.conversations.plain import ARROW, RECORD, SHAPE, TRIES, PlainReader
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.conversations.structures import fits
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import line, record

READER, BY_DUCKDB = PlainReader(), PlainReader(_refused=TRIES + 1)
DATA = Path(__file__).parents[3].parent / "shared" / "data"


def blocks(data: bytes) -> list[Block]:
    return list(read_blocks(io.BytesIO(data), "a.jsonl"))


def read(*lines: bytes) -> pl.DataFrame:
    return BY_DUCKDB.read(blocks(b"\n".join(lines) + b"\n")[0])


def read_by_arrow(*lines: bytes) -> pl.DataFrame:
    """By Arrow, if it takes the lines."""
    READER._refused = 0
    return READER.read(blocks(b"\n".join(lines) + b"\n")[0])


def careful(data: bytes) -> dict[str, Any] | None:
    try:
        return parse_record(data)
    except BrokenRecordError:
        return None


def same(lines: list[bytes]) -> list[bool]:
    """Checks every plain row against the careful reader; says which lines were plain by DuckDB, which trusts fewer."""
    plain = checked(lines, read(*lines))
    for first in range(2):  # without the first one, Arrow takes the others where they are plain
        by_arrow = checked(lines[first:], read_by_arrow(*lines[first:])) if lines[first:] else []
        assert all(quick or not slow for quick, slow in zip(by_arrow, plain[first:], strict=True))
    return plain


def checked(lines: list[bytes], rows: pl.DataFrame) -> list[bool]:
    assert rows["place"].to_list() == list(range(len(lines)))
    plain = rows.filter("plain")
    expected = [row for place in plain["place"] if (row := careful(lines[place]))]
    assert len(expected) == plain.height
    assert plain["drift"].to_list() == [row["drift"] for row in expected]
    shape = pl.Schema(SHAPE)
    assert plain.select(list(SHAPE)).to_dicts() == pl.DataFrame(expected, schema=shape).to_dicts()
    return rows["plain"].to_list()


CALL = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}
WHOLE = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "你好, \"x\" \\ \n\t😀", "created_at": "2026-11-05T16:00:00.25+08:00"},
    {"role": "assistant", "content": None, "tool_calls": [CALL, CALL], "usage": {"prompt_tokens": 3, "total_tokens": 9}},
    {"role": "tool", "content": '{"eta": [1, "a, b"]}', "tool_call_id": "1", "name": "find"},
    {"role": "assistant", "content": "", "action": "", "tool_calls": [], "usage": {}},
]  # fmt: skip

PLAIN = {
    "the usual": line(),
    "every field": line(messages=WHOLE, locale="", channel=None, feedback={"thumb": "up", "rating": 4, "comment": "ok"}),
    "a score with a part": line(feedback={"score": 4.5}),
    "a refusal": line(messages=[*WHOLE, {"role": "assistant", "content": None, "refusal": "I can't."}]),
    "a refusal beside text": line(messages=[*WHOLE, {"role": "assistant", "content": "Hm.", "refusal": "I can't."}]),
    "no refusal": line(messages=[*WHOLE, {"role": "assistant", "content": "", "refusal": ""}]),
    "feedback that says nothing": line(feedback={"comment": "", "more": [1]}),
    "feedback of null": line(feedback=None),
    "no scenario": line(scenario=...),
    "fields that nobody reads": line(metadata={"a": {"b": [1, None]}, "n": 1.5}, tags=["x", 1]),
    "no calls": line(messages=[{"role": "user", "content": "hi", "tool_calls": None}]),
    "a carriage return": line() + b"\r",
    "escapes": line().replace(b"On its way.", b"On\\u0020its \\ud83d\\ude00 way."),
}
NOT_PLAIN = {
    "blank": b"  ",
    "not json": b"{",
    "not utf-8": line().replace(b"refund", b"caf\xe9"),
    "a lone surrogate": line().replace(b"On its way.", b"\\ud83d"),
    "a NUL": line().replace(b"On its way.", b"\\u0000"),
    "a raw NUL": line().replace(b"On its way.", b"\x00"),
    "a number that is none": line(score=float("nan")),
    "an infinite one": line(score=float("-inf")),
    "a trailing comma": line()[:-1] + b", }",
    "what looks like a trailing comma": line(scenario="a, ]"),
    "a key twice": line()[:-1] + b', "user_id": "u-2"}',
    "a key twice in a message": line().replace(b'"content": "On its', b'"content": "No.", "content": "On its'),
    "a list": b"[]",
    "no user": line(messages=[{"role": "assistant", "content": "hi"}]),
    "a role unknown": line(messages=[*WHOLE, {"role": "bot"}]),
    "no role": line(messages=[*WHOLE, {"content": "x"}]),
    "content in parts": line(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
    "arguments as an object": line(messages=[*WHOLE, {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {}}]}]),
    "a call without a name": line(messages=[*WHOLE, {"role": "assistant", "tool_calls": [{"function": {"arguments": ""}}]}]),
    "an empty name": line(messages=[*WHOLE, {"role": "assistant", "tool_calls": [
        {"function": {"name": " ", "arguments": ""}}]}]),
    "no messages": line(messages=[]),
    "null among messages": line(messages=[None, *WHOLE]),
    "time as a number": line(started_at=1762329600),
    "time without an offset": line(started_at="2026-11-05T08:00:00"),
    "a day that is none": line(started_at="2026-02-30T08:00:00Z"),
    "a message's day that is none": line(messages=[*WHOLE, {"role": "user", "created_at": "2026-02-30T08:00:00Z"}]),
    "an hour that is none": line(started_at="2026-11-05T24:00:00Z"),
    "too many digits": line(started_at="2026-11-05T08:00:00.1234567Z"),
    "ends before": line(ended_at="2026-11-05T07:59:59Z"),
    "an empty customer": line(user_id="\u3000"),
    "a customer as number": line(user_id=7),
    "a thumb sideways": line(feedback={"thumb": "sideways"}),
    "a score of nine": line(feedback={"score": 9}),
    "tokens below zero": line(messages=[*WHOLE, {"role": "assistant", "usage": {"prompt_tokens": -1}}]),
    "nested too deeply": line(extra=json.loads("[" * 300 + "]" * 300)),
}  # fmt: skip


def test_plain_lines() -> None:
    assert same(list(PLAIN.values())) == [True] * len(PLAIN)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_other_lines_are_left_to_the_careful_reader(name: str) -> None:
    assert same([line(), NOT_PLAIN[name], line("c-2")]) == [True, False, True]


def test_the_rows_have_the_shape_of_the_table() -> None:
    rows = read(line())
    assert {name: rows.schema[name] for name in SHAPE} == {name: CONVERSATIONS.columns[name] for name in SHAPE}


def test_exact_copies_have_the_same_hash() -> None:
    one, two, three = read(line(), line(), line("c-2"))["line_hash"]
    assert one == two != three


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        ({"user_id": "VARCHAR", "more": {"a": "JSON"}}, True),
        ({"user_id": "NULL"}, True),
        ({"user_id": "JSON"}, False),
        ({"messages": ["NULL"]}, True),
        ({"messages": {"role": "VARCHAR"}}, False),
        ({"messages": [{"content": ["VARCHAR"]}]}, False),
        ({"messages": [{"usage": {"prompt_tokens": "UBIGINT"}}]}, True),
        ({"messages": [{"usage": {"prompt_tokens": "DOUBLE"}}]}, False),
        (["VARCHAR"], False),
        ("VARCHAR", False),
    ],
)
def test_structures(structure: object, expected: bool) -> None:
    assert fits(structure, RECORD) is expected


def test_arrow_takes_lines_of_the_expected_fields_only() -> None:
    usual, more = blocks(line() + b"\r\n" + line())[0], blocks(line(tags=[]))[0]
    assert objects(usual, ARROW).to_pylist()[0]["messages"][0]["content"] == "Where is my order?"
    assert objects(more, ARROW) is None
    assert objects(blocks(b"\xef\xbb\xbf" + line())[0], ARROW) is not None


@pytest.mark.parametrize(
    "data",
    [
        line() + line(),
        line() + b" " + line() + b"\n\n",
        line()[:-1] + b',\n"locale": "en"}\n' + line() + b" " + line(),
        b'{"conversation_id": "}\n{"}\n',
        line() + b"\n  \n" + line() + line(),
        line().replace(b'"content": "On its', b'"content": null, "content": "On its'),
        line()[:-1] + b', "feedback": null, "feedback": null}',
    ],
)
def test_what_arrow_must_not_take_for_one_object_a_line(data: bytes) -> None:
    for block in blocks(data):
        assert objects(block, ARROW) is None
        checked([each.data for each in block.lines()], BY_DUCKDB.read(block))


def test_arrow_is_not_asked_for_ever() -> None:
    reader = PlainReader()
    for _ in range(TRIES + 3):
        reader.read(blocks(line(tags=[]))[0])
    assert reader._refused == TRIES + 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=6) | st.sampled_from(["up", "user"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["thumb", "score", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
TIME = r"20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{0,7})?(Z|z|[+-][0-2][0-9]:?[0-5][0-9])?"
MESSAGE_FIELDS = ("role", "content", "created_at", "action", "tool_calls", "tool_call_id", "usage", "name")


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([*record(), "locale", "feedback", "extra"]), json_values), max_size=2),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(MESSAGE_FIELDS), json_values), max_size=2),
    st.booleans(),
)
def test_any_values(top: list[tuple[str, Any]], inner: list[tuple[int, str, Any]], ascii_only: bool) -> None:
    messages = [dict(each) for each in WHOLE]
    for place, name, value in inner:
        messages[place][name] = value
    changed = record(messages=messages) | dict(top)
    same([json.dumps(changed, ensure_ascii=ascii_only).encode(errors="surrogatepass")])


@settings(max_examples=examples(40), deadline=None)
@given(
    st.sampled_from(sorted(PLAIN)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.binary(max_size=3) | st.sampled_from(
        [b'"', b"{", b"}", b",", b"]", b"[", b"\\", b":", b"0", b" ", b"null", b"NaN", b"1e999"])), min_size=1, max_size=3),
)  # fmt: skip
def test_any_bytes_changed(name: str, edits: list[tuple[float, int, bytes]]) -> None:
    data = PLAIN[name]
    for place, length, new in edits:
        at = int(place * len(data))
        data = data[:at] + new.replace(b"\n", b" ") + data[at + length :]
    same([data])


@settings(max_examples=examples(40), deadline=None)
@given(st.from_regex(TIME, fullmatch=True))
def test_any_time(text: str) -> None:
    same([line(started_at=text, ended_at="2099-12-31T00:00:00Z"), line(messages=[{"role": "user", "created_at": text}])])


@pytest.mark.skipif(not DATA.is_dir(), reason="the sample data (../shared/data) is not here")
@pytest.mark.parametrize("name", ["star", "tau", "crosswoz"])
def test_real_logs_are_plain(name: str) -> None:
    """All but what a person would also look at twice; every plain row is what the careful reader makes of the line."""
    paths = sorted((DATA / name / "logs").glob("dt=*/*.jsonl.gz"))[:2]
    for path in paths:
        lines = gzip.decompress(path.read_bytes()).splitlines()[:400]
        plain = same(lines)
        assert sum(plain) >= 0.99 * len(plain), path


def test_a_block_of_many_batches() -> None:
    lines = [line(f"c-{number}") for number in range(3000)]
    found = [BY_DUCKDB.read(block) for block in blocks(b"\n".join(lines))]
    assert pl.concat(found)["conversation_id"].to_list() == [f"c-{number}" for number in range(3000)]
    assert len(lines) * len(lines[0]) < BLOCK

"""Files outside the days' folders, sessions over midnight and over files: every line is read on exactly one day."""

import datetime as dt
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.line_days import line_days
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.readers.registry import READERS, time_of
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import line
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS
from wow_flywheel_tests.unit.conversations.test_foreign import export, span, told
from wow_flywheel_tests.unit.conversations.test_plain_calls import document

ZONE = "Asia/Shanghai"
FOURTH, FIFTH, SIXTH = dt.date(2026, 11, 4), dt.date(2026, 11, 5), dt.date(2026, 11, 6)
TURNS = [
    {"role": "user", "content": "Where is my order?"},
    {"role": "assistant", "content": "On its way."},
    {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "Bye"},
]
MIDNIGHT = int(dt.datetime(2026, 11, 5, tzinfo=ZoneInfo(ZONE)).timestamp())
Placed = tuple[bytes, dt.date | None]
"""A line, and its day; None where it tells of no moment."""


def put(root: Path, files: Mapping[str, Sequence[bytes]]) -> LogSource:
    for name, lines in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\n".join(lines))
    return LogSource.at(str(root), timezone=ZONE)


def days_read(logs: LogSource) -> dict[dt.date, DayRead]:
    return {day: read_day(logs, day, timezone=ZONE) for day in logs.days()}


def call(seconds: int, end: int, session: str) -> bytes:
    """A call of a gateway so many seconds after the midnight before the fifth."""
    made = document(TURNS[:end], seconds, session_id=session) | {"timestamp": MIDNIGHT + seconds}
    return json.dumps(made | {"request": {"messages": TURNS[: end - 1]}}).encode()


def test_a_line_of_a_session_that_began_the_day_before_in_another_file_is_not_lost(tmp_path: Path) -> None:
    first, later, other = call(-600, 2, "s"), call(600, 4, "s"), call(3600, 2, "z")
    read = days_read(put(tmp_path, {"a.jsonl": [first, other], "b.jsonl": [later]}))
    assert {day: told(each) for day, each in read.items()} == {
        FOURTH: {"s": ["Where is my order?", "On its way."]},
        FIFTH: {"s": ["Where is my order?", "On its way.", "Thanks", "Bye"], "z": ["Where is my order?", "On its way."]},
    }
    assert [(each.counts["files"], each.counts["lines"], each.elsewhere) for each in read.values()] == [(1, 1, 1), (2, 2, 1)]


def test_what_tells_of_no_moment_is_read_at_home(tmp_path: Path) -> None:
    said = json.dumps({"session_id": "s", "feedback": {"thumb": "up"}}).encode()
    read = days_read(put(tmp_path, {"a.jsonl": [call(-600, 2, "s"), b"{", b"", said, call(600, 4, "s"), b"[]"]}))
    assert {day: (each.counts["lines"], each.elsewhere) for day, each in read.items()} == {FOURTH: (5, 1), FIFTH: (1, 5)}
    assert read[FOURTH].conversations["feedback"][0]["thumb"] == "up"
    assert read[FOURTH].quarantine.select("source_line", "reason").rows() == [(2, "not_json"), (6, "unknown_document")]


def _native(seconds: int, end: int, session: str) -> bytes:
    at = MIDNIGHT + seconds
    return line(session, started_at=at, ended_at=at, messages=TURNS[:end])


def _span(seconds: int, end: int, session: str) -> bytes:
    made = span(seconds, TURNS[:end], **{"session.id": session})
    return json.dumps(export(made | {"startTimeUnixNano": str((MIDNIGHT + seconds) * 10**9), "endTimeUnixNano": "0"})).encode()


def _observation(seconds: int, end: int, session: str) -> bytes:
    at = dt.datetime.fromtimestamp(MIDNIGHT + seconds, dt.UTC).isoformat()
    row: dict[str, Any] = {
        "id": f"o{seconds}{session}",
        "traceId": f"t{seconds}{session}",
        "type": "GENERATION",
        "startTime": at,
    }
    said = {"input": {"messages": TURNS[: end - 1]}, "output": TURNS[end - 1], "sessionId": session}
    return json.dumps(row | said).encode()


MADE = {"native": _native, "openai": call, "otel": _span, "langfuse": _observation}
EVENTS = st.tuples(st.integers(-90_000, 90_000), st.sampled_from([2, 4]), st.sampled_from(["s", "t", "u"]))


@st.composite
def files(draw: st.DrawFn) -> dict[str, list[Placed]]:
    """Files of one format each, with their lines, some of them broken or blank."""
    made: dict[str, list[Placed]] = {}
    for number in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(MADE)))
        events = draw(st.lists(EVENTS, min_size=1, max_size=6))
        lines: list[Placed] = [
            (MADE[name](seconds, end, f"{name}-{session}"),
             dt.datetime.fromtimestamp(MIDNIGHT + seconds, ZoneInfo(ZONE)).date())
            for seconds, end, session in events
        ]  # fmt: skip
        for odd in draw(st.lists(st.sampled_from([b"{", b"", b" ", b"\xff"]), max_size=2)):
            lines.insert(draw(st.integers(1, len(lines))), (odd, None))
        made[f"{number}.jsonl"] = lines
    return made


def dated(made: Mapping[str, Sequence[Placed]]) -> dict[str, list[bytes]]:
    """The same lines in the folder of the day of each."""
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for name, lines in made.items():
        home = min(day for _, day in lines if day)
        for data, day in lines:
            found[f"dt={day or home}/{name}"].append(data)
    return dict(found)


@settings(max_examples=examples(20), deadline=None)
@given(files())
def test_files_in_no_days_folder_are_read_as_if_each_line_lay_in_its_days(made: dict[str, list[Placed]]) -> None:
    made = {name: [*lines, (b"{", None)] for name, lines in made.items()}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        flat = days_read(put(Path(one), {name: [data for data, _ in lines] for name, lines in made.items()}))
        folders = days_read(put(Path(other), dated(made)))
    assert list(flat) == list(folders)
    for day, read in flat.items():
        expected = folders[day]
        listed = [lines for lines in made.values() if day in {each for _, each in lines}]
        assert read.counts["lines"] + read.elsewhere == sum(map(len, listed))
        assert (dict(read.counts), read.ignored) == (dict(expected.counts), expected.ignored)
        where = ("source_file", "source_line")
        assert read.conversations.drop(where).equals(expected.conversations.drop(where))
        assert read.quarantine["reason"].to_list() == expected.quarantine["reason"].to_list()
    assert sum(each.counts["lines"] for each in flat.values()) == sum(map(len, made.values()))


@pytest.mark.parametrize("name", READERS)
def test_every_reader_tells_when_its_calls_were_asked(name: str) -> None:
    """Its first two documents are calls; all calls of the samples are of one day."""
    for each in DOCUMENTS[name][:2]:
        at = time_of(name, each)
        assert at is not None
        assert at.date() in {dt.date(2025, 11, 5), dt.date(2026, 11, 5)}


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(sorted(READERS)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "2026-11-05T08:00:00Z", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([
        "response", "request", "timestamp", "created", "object", "resourceSpans", "scopeSpans", "spans", "startTimeUnixNano",
        "observations", "data", "trace", "startTime", "id", "inference_id", "model_name", "start_time", "created_at",
    ]), inner, max_size=4), max_leaves=8,
))  # fmt: skip
def test_any_document_has_a_moment_or_none(name: str, value: Any) -> None:
    found = time_of(name, value)
    assert found is None or isinstance(found, dt.datetime)


def test_a_reader_without_times_of_its_own_is_asked_for_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(READERS["openai"], "time_of")
    assert time_of("openai", json.loads(call(0, 2, "s"))) == dt.datetime.fromtimestamp(MIDNIGHT, dt.UTC)
    assert time_of("openai", {"response_id": "r", "feedback": {"thumb": "up"}}) is None


def test_the_days_of_lines_in_any_packing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([json.loads(call(-1, 2, "s")), json.loads(call(0, 2, "s")), 5]))
    with (tmp_path / "a.json").open("rb") as stream:
        (block,) = read_blocks(stream, "a.json")
    assert list(line_days("openai", block, ZoneInfo(ZONE))) == [FOURTH, FIFTH, None]

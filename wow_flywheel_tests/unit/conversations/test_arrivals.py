"""Which days run: new, changed, late, growing, removed and moved files; what the cursor holds."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from wow_flywheel.conversations.arrivals import DayState, Found, LogCursor, arrived, fingerprint, in_words, look
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.errors import SettingsError
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.conversations.logs import line


def file(path: str, size: int = 10, version: str = "t1", modified: float = 100.0) -> LogFile:
    return LogFile(path, path, size, version, modified)


A, B = file("dt=1/a"), file("dt=2/b", 20)
BOTH = Found({"d1": [A], "d2": [B]})


def stored(cursor: LogCursor) -> LogCursor:
    again = LogCursor.parse(cursor.dump())
    assert again == cursor
    return again


def days(cursor: LogCursor, *files: LogFile, limit: int = 30) -> tuple[LogCursor, list[str]]:
    cursor, ready = look(stored(cursor), Found({"d1": list(files)}), limit)
    return cursor, list(ready)


def test_new_files_are_asked_for_once() -> None:
    cursor, ready = look(LogCursor(), BOTH)
    again, nothing = look(stored(cursor), BOTH)
    assert (list(ready), nothing, again) == (["d1", "d2"], {}, cursor)


def test_a_tick_that_is_repeated_names_the_same_runs() -> None:
    cursor, first = look(LogCursor(), BOTH)
    assert look(LogCursor(), BOTH)[1] == first
    late = Found({"d1": [A, file("dt=1/late", modified=200)], "d2": [B]})
    assert look(cursor, late)[1] == look(stored(cursor), late)[1]


def test_a_late_file_opens_its_day_again_and_no_other() -> None:
    cursor, _ = look(LogCursor(), BOTH)
    _, ready = look(cursor, Found({"d1": [A, file("dt=1/late", modified=200)], "d2": [B]}))
    assert list(ready) == ["d1"]


def test_a_late_file_that_says_it_is_old_waits_one_tick() -> None:
    cursor, _ = days(LogCursor(), A)
    old = file("dt=1/late", modified=50)
    cursor, first = days(cursor, A, old)
    cursor, second = days(cursor, A, old)
    assert (first, second) == ([], ["d1"])


def test_a_growing_file_is_waited_for_until_a_tick_finds_it_unchanged() -> None:
    cursor, _ = days(LogCursor(), A)
    cursor, first = days(cursor, file("dt=1/a", 11, "t2", 200))
    cursor, second = days(cursor, file("dt=1/a", 12, "t3", 300))
    assert list(cursor.waiting) == ["d1"]
    cursor, third = days(cursor, file("dt=1/a", 12, "t3", 300))
    assert (first, second, third, cursor.waiting) == ([], [], ["d1"], {})


def test_a_file_of_the_same_size_and_another_content_has_changed() -> None:
    cursor, _ = days(LogCursor(), A)
    cursor, waits = days(cursor, file("dt=1/a", 10, "t2", 200))
    cursor, ready = days(cursor, file("dt=1/a", 10, "t2", 200))
    assert (waits, ready) == ([], ["d1"])


def test_a_day_whose_files_are_gone_is_run_again_once() -> None:
    cursor, _ = look(LogCursor(), Found({"d1": [A]}))
    cursor, ready = look(cursor, Found({}))
    _, after = look(stored(cursor), Found({}))
    assert (list(ready), after) == (["d1"], {})


def test_a_day_that_becomes_as_it_once_was_gets_another_key() -> None:
    cursor, first = look(LogCursor(), Found({"d1": [A]}))
    cursor, gone = look(cursor, Found({}))
    cursor, back = look(cursor, Found({"d1": [A]}))
    cursor, again = look(cursor, Found({}))
    assert len({ready["d1"] for ready in (first, gone, back, again)}) == 4


def test_many_days_are_asked_for_in_parts_oldest_first() -> None:
    found = Found({f"d{i}": [file(f"f{i}")] for i in range(5)})
    cursor, first = look(LogCursor(), found, limit=3)
    _, second = look(cursor, found, limit=3)
    assert (list(first), list(second)) == (["d0", "d1", "d2"], ["d3", "d4"])


def test_a_held_day_waits_and_runs_when_it_is_held_no_more() -> None:
    held = Found({"d1": [A], "d2": [B]}, {"d1": "d1 has no _SUCCESS yet", "d9": "not there"})
    cursor, ready = look(LogCursor(), held)
    assert (list(ready), in_words(held, cursor.waiting)) == (["d2"], "d1 waits: d1 has no _SUCCESS yet")
    assert list(look(cursor, BOTH)[1]) == ["d1"]
    assert in_words(held, [f"d{i}" for i in range(10, 17)]).endswith("; and 2 more days")


def test_a_cursor_of_the_first_version_starts_nothing_again() -> None:
    first = json.dumps({"asked": {"d1": {"dt=1/a": [10, "t1"]}, "d2": {"dt=2/b": [20, "t1"]}}, "waiting": {}})
    cursor, ready = look(LogCursor.parse(first), BOTH)
    assert ready == {}
    later = Found({"d1": [A, file("dt=1/late", modified=200)], "d2": [B]})
    cursor, waits = look(cursor, later)
    assert (waits, list(look(stored(cursor), later)[1])) == ({}, ["d1"])


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"version": 9}', '{"asked": 1}', '{"version": 2, "asked": {"d": ["x"]}}'])
def test_a_strange_cursor_is_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match=r"cursor of the sensor new_logs .* → delete it with"):
        LogCursor.parse(text)


def test_the_cursor_stays_small_with_a_hundred_thousand_files() -> None:
    start = dt.date(2023, 1, 1)
    found = {
        str(start + dt.timedelta(days=n)): [file(f"dt=x/{n}/part-{i:05d}.jsonl.gz", modified=n * 1e5 + i) for i in range(100)]
        for n in range(1000)
    }
    cursor, _ = look(LogCursor(), Found(found), limit=1000)
    assert len(cursor.asked) == 1000
    assert len(cursor.dump()) < 70_000


def test_fingerprints_tell_path_size_and_token_apart() -> None:
    files = [A, file("dt=1/b"), file("dt=1/a", 11), file("dt=1/a", version="t2")]
    assert len({fingerprint([each]) for each in files}) == 4
    assert fingerprint(files) == fingerprint(files[::-1])
    assert fingerprint([]) != fingerprint([A])
    assert DayState(fingerprint([A]), 1.0) != DayState(fingerprint([B]), 1.0)


class Place:
    """A folder of logs whose files say when they were written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 1_800_000_000.0

    def put(self, path: str, *times: str, age: float = 1000.0) -> Path:
        target = self.root / "logs" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"\n".join(line(started_at=each) for each in times))
        os.utime(target, (self.now - age, self.now - age))
        return target

    def found(self, *, settle: int = 60, manifest: str | None = None) -> Found:
        uri, lake = str(self.root / "logs"), Lake.at(str(self.root / "lake"))
        return arrived(LogSource.at(uri, lake=lake, timezone="Asia/Shanghai", manifest=manifest), self.now, settle)


def test_a_loose_file_that_moves_opens_the_days_before_and_after(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put("a.jsonl", "2026-11-04T01:00:00Z", "2026-11-05T01:00:00Z")
    place.put("b.jsonl", "2026-11-07T01:00:00Z")
    cursor, ready = look(LogCursor(), place.found())
    assert list(ready) == ["2026-11-04", "2026-11-05", "2026-11-07"]
    place.put("a.jsonl", "2026-11-05T01:00:00Z", "2026-11-05T16:00:00Z", age=500)
    cursor, first = look(cursor, place.found())
    cursor, second = look(stored(cursor), place.found())
    assert (list(first), list(second)) == (["2026-11-04", "2026-11-06"], ["2026-11-05"])
    assert look(cursor, place.found())[1] == {}


def test_a_loose_file_just_written_holds_the_days_it_had_and_is_not_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put("a.jsonl", "2026-11-04T01:00:00Z")
    cursor, _ = look(LogCursor(), place.found())
    place.put("a.jsonl", "2026-11-05T01:00:00Z", age=5)
    place.put("new.jsonl", "2026-11-06T01:00:00Z", age=5)
    held = place.found()
    cursor, waits = look(cursor, held)
    assert (waits, list(held.days), held.held) == (
        {}, ["2026-11-04"], {"2026-11-04": "a.jsonl was written less than 60 s ago"},
    )  # fmt: skip
    place.now += 100
    cursor, ready = look(stored(cursor), place.found())
    assert list(ready) == ["2026-11-04", "2026-11-05", "2026-11-06"]


def test_a_dated_folder_waits_for_its_manifest_which_is_no_log(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put("dt=2026-11-05/host/a.jsonl", "2026-11-05T01:00:00Z")
    place.put("2026/11/06/a.jsonl", "2026-11-06T01:00:00Z")
    place.put("2026/11/06/done.json")
    place.put("loose.jsonl", "2026-11-07T01:00:00Z")
    found = place.found(manifest="done.json")
    assert found.held == {"2026-11-05": "dt=2026-11-05 has no done.json yet"}
    assert [each.path for each in found.days["2026-11-06"]] == ["2026/11/06/a.jsonl"]
    assert list(look(LogCursor(), found)[1]) == ["2026-11-06", "2026-11-07"]
    assert place.found().held == {}

"""What starts runs: new, changed, late and growing files; enough pairs; the night."""

import datetime as dt
import json
import os
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.contracts import FEEDBACK_LINES, PREFERENCE_PAIRS, REWRITE_CANDIDATES, REWRITE_EDITS
from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.definitions import defs
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.schedules import nightly_schedule
from wow_flywheel.defs.sensors import enough_pairs, free_key, late_edits, late_feedback, min_pairs, new_logs
from wow_flywheel.errors import SettingsError, SourceError
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.defs.conftest import conversation, write_logs


def test_the_sensor_names_the_same_run_for_the_same_content(place: Path) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi")])
    write_logs(place, [conversation(2, "Hello", "Hi", day="2026-01-06")], day="2026-01-06")
    first, repeated = _tick(), _tick()
    assert [request.partition_key for request in first.run_requests] == ["2026-01-05", "2026-01-06"]
    assert [request.run_key for request in first.run_requests] == [request.run_key for request in repeated.run_requests]
    after = _tick(first.cursor)
    assert after.run_requests == []
    assert after.skip_reason.skip_message == "no new log file"


def test_a_file_that_becomes_as_it_once_was_makes_its_day_run_again(place: Path) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi")])
    first = _tick()
    late = write_logs(place, [conversation(2, "Hello", "Hi")], name="late.jsonl")
    second = _tick(first.cursor)
    late.unlink()
    waits = _tick(second.cursor)
    third = _tick(waits.cursor)
    assert waits.skip_reason.skip_message == "2026-01-05 waits: a file has changed since the last tick"
    keys = [tick.run_requests[0].run_key for tick in (first, second, third)]
    assert len(set(keys)) == 3


def test_a_file_outside_the_days_folders_runs_the_days_of_its_lines(place: Path) -> None:
    records = [conversation(1, "Hello", "Hi"), conversation(2, "Hello", "Hi", day="2026-01-07")]
    (place / "logs" / "all.jsonl").write_text("\n".join(json.dumps(record) for record in records))
    assert [request.partition_key for request in _tick().run_requests] == ["2026-01-05", "2026-01-07"]


def test_a_fresh_file_and_a_folder_without_its_manifest_wait(place: Path, monkeypatch) -> None:
    monkeypatch.setenv("WOW_LOGS_SETTLE_SECONDS", "3600")
    path = write_logs(place, [conversation(1, "Hello", "Hi")])
    fresh = _tick()
    assert fresh.skip_reason.skip_message == "2026-01-05 waits: dt=2026-01-05/a.jsonl was written less than 3600 s ago"
    os.utime(path, (1767600000, 1767600000))
    monkeypatch.setenv("WOW_LOGS_MANIFEST", "manifest.json")
    lacks = _tick(fresh.cursor)
    assert lacks.skip_reason.skip_message == "2026-01-05 waits: dt=2026-01-05 has no manifest.json yet"
    (path.parent / "manifest.json").write_text("{}")
    assert [request.partition_key for request in _tick(lacks.cursor).run_requests] == ["2026-01-05"]


def test_a_day_that_has_no_partition_is_named(place: Path) -> None:
    write_logs(place, [], day="2999-01-01")
    message = _tick().skip_reason.skip_message
    assert message == "no new log file; left out, as no days from 2020-01-01 to today: 2999-01-01"


def test_the_sensor_says_plainly_that_there_is_no_source(place: Path) -> None:
    (place / "logs").rmdir()
    with pytest.raises(SourceError, match=f"{place}/logs: no such folder or file → check WOW_LOGS_URI"):
        _tick()


def _tick(cursor: str | None = None):
    return new_logs(dg.build_sensor_context(cursor=cursor, resources={"flywheel": Flywheel()}))


def test_feedback_for_an_earlier_day_runs_that_day_once(place: Path, lake: Lake) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi")])
    ingest_day(lake, Settings.from_env(os.environ), dt.date(2026, 1, 5))
    (rated,) = lake.read("conversations")["conversation_id"]
    row = {"dt": dt.date(2026, 1, 8), "rated_conversation_id": rated, "thumb": "up", "source_file": "a", "source_line": 1}
    context = {"resources": {"flywheel": Flywheel()}}
    assert late_feedback(dg.build_sensor_context(**context)).run_requests == []
    lake.replace("feedback", FEEDBACK_LINES.conform(pl.DataFrame([row])), row["dt"])
    first = late_feedback(dg.build_sensor_context(**context))
    assert [request.partition_key for request in first.run_requests] == ["2026-01-05"]
    again = late_feedback(dg.build_sensor_context(cursor=first.cursor, **context))
    assert (again.run_requests, again.skip_reason.skip_message) == ([], "no new feedback for earlier days")


def test_an_edit_runs_its_day_again_until_the_days_candidates_hold_it(lake: Lake) -> None:
    context = {"resources": {"flywheel": Flywheel()}}
    day, noon = dt.date(2026, 1, 5), dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC)
    place = {"dt": day, "conversation_id": "c", "turn": 1, "issue_type": "hallucination"}
    row = place | {"chosen": "{}", "decided_by": "ana", "decided_at": noon, "note": None}
    assert late_edits(dg.build_sensor_context(**context)).run_requests == []
    lake.append("rewrite_edits", pl.DataFrame([row], schema=REWRITE_EDITS.columns))
    first = late_edits(dg.build_sensor_context(**context))
    assert [request.partition_key for request in first.run_requests] == ["2026-01-05"]
    again = late_edits(dg.build_sensor_context(cursor=first.cursor, **context))
    assert (again.run_requests, again.skip_reason.skip_message) == ([], "no edit that a day's candidates lack")
    used = place | {"pair_id": "c#1", "source": "person", "source_conversation_id": "ana at 2026-01-07T12:00:00Z"}
    used |= {"candidate": "{}", "accepted": True, "stage": "pair", "reason": "a person's edit"}
    lake.replace("rewrite_candidates", pl.DataFrame([used], schema=REWRITE_CANDIDATES.columns), day)
    assert late_edits(dg.build_sensor_context(**context)).run_requests == []


def test_a_cycle_opens_when_enough_pairs_are_in_no_dataset(place: Path, lake: Lake, instance, monkeypatch) -> None:
    monkeypatch.setenv("WOW_MIN_PAIRS", "3")
    lake.replace("preference_pairs", _pairs("p1", "p2"), dt.date(2026, 1, 5))
    assert _cycle_tick(instance).skip_message == "2 new preference pairs; a cycle opens at 3"
    lake.replace("preference_pairs", _pairs("p3", day=dt.date(2026, 1, 6)), dt.date(2026, 1, 6))
    opened = _cycle_tick(instance)
    assert [request.partition_key for request in opened.run_requests] == ["2026-01-06"]
    assert [list(request.partition_keys) for request in opened.dynamic_partitions_requests] == [["2026-01-06"]]
    assert "asked for already" in _cycle_tick(instance, opened.cursor).skip_message


def _cycle_tick(instance: dg.DagsterInstance, cursor: str | None = None):
    return enough_pairs(dg.build_sensor_context(instance=instance, cursor=cursor, resources={"flywheel": Flywheel()}))


PAIR = {
    "dt": dt.date(2026, 1, 5),
    "conversation_id": "c",
    "user_id": "v",
    "scenario": "s",
    "issue_type": "hallucination",
    "prompt": [],
    "chosen": "a",
    "rejected": "b",
}


def _pairs(*ids: str, day: dt.date = dt.date(2026, 1, 5)) -> pl.DataFrame:
    more = {"dt": day, "turn": 1, "source": "good_case", "verified_by": "evidence"}
    rows = [PAIR | more | {"pair_id": each} for each in ids]
    return pl.DataFrame(rows, schema_overrides={"prompt": PREFERENCE_PAIRS.columns["prompt"]})


def test_a_second_cycle_of_a_day_gets_a_suffix() -> None:
    day = dt.date(2026, 1, 5)
    assert free_key(day, []) == "2026-01-05"
    assert free_key(day, ["2026-01-05", "2026-01-05-b"]) == "2026-01-05-c"


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_pairs_names_its_variable(text: str) -> None:
    with pytest.raises(SettingsError, match="WOW_MIN_PAIRS"):
        min_pairs({"WOW_MIN_PAIRS": text})


def test_the_night_asks_for_the_day_that_has_ended() -> None:
    tick = dg.build_schedule_context(scheduled_execution_time=dt.datetime(2026, 1, 6, 2, 30, tzinfo=dt.UTC))
    request = nightly_schedule(tick)
    assert (request.partition_key, request.run_key) == ("2026-01-05", "nightly 2026-01-05")
    assert defs.resolve_schedule_def("nightly_schedule").cron_schedule == "30 2 * * *"

"""Conversations become log lines exactly once, crash or not."""

import datetime as dt
import errno
import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel import storage
from wow_flywheel.errors import SettingsError, StorageUnavailable
from wow_flywheel.serving import log_writer
from wow_flywheel.serving.conversation import About, LoggedMessage
from wow_flywheel.serving.journal import Journal, abandoned, claim
from wow_flywheel.serving.log_writer import LogWriter

ABOUT = About("ada", "refund", "api", "0001-c1")
START = dt.datetime(2026, 11, 5, 23, 58, tzinfo=dt.UTC)


class Killed(BaseException):
    """Stands for SIGKILL."""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def user(text: str) -> LoggedMessage:
    return {"role": "user", "content": text}


def said(text: str) -> LoggedMessage:
    return {"role": "assistant", "content": text}


def records(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(root.glob("dt=*/*.jsonl")) for line in path.read_text().splitlines()]


def two_turns(writer: LogWriter, name: str = "c1") -> None:
    writer.turn(name, ABOUT, [user("hi")], said("hello"), START)
    writer.turn(name, ABOUT, [user("hi"), said("hello"), user("bye")], said("ciao"), START + dt.timedelta(minutes=5))


def killed(writer: LogWriter) -> None:
    """What the kernel does with a dead process: its lock goes, its files stay."""
    writer._journal.release()


def test_a_conversation_becomes_one_native_record(tmp_path: Path, clock: Clock) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer)
    assert records(tmp_path) == []
    assert writer.close("c1", {"thumb": "up"}) == tmp_path / "dt=2026-11-05" / "serving-7.jsonl"
    assert records(tmp_path) == [
        {
            "conversation_id": "c1", "user_id": "ada", "scenario": "refund", "channel": "api", "model": "0001-c1",
            "started_at": "2026-11-05T23:58:00.000Z", "ended_at": "2026-11-05T23:58:02.000Z", "feedback": {"thumb": "up"},
            "messages": [
                {"role": "user", "content": "hi", "created_at": "2026-11-05T23:58:00.000Z"},
                {"role": "assistant", "content": "hello", "created_at": "2026-11-05T23:58:01.000Z"},
                {"role": "user", "content": "bye", "created_at": "2026-11-06T00:03:00.000Z"},
                {"role": "assistant", "content": "ciao", "created_at": "2026-11-05T23:58:02.000Z"},
            ],
        }
    ]  # fmt: skip
    assert writer.close("c1") is None
    writer.stop()
    assert len(records(tmp_path)) == 1


def test_the_day_is_the_business_day_on_which_it_began(tmp_path: Path, clock: Clock) -> None:
    """23:58 UTC on the 5th is 07:58 on the 6th in Shanghai."""
    writer = LogWriter(str(tmp_path), clock=clock, pid=7, timezone="Asia/Shanghai")
    two_turns(writer)
    writer.stop()
    assert [path.parent.name for path in tmp_path.glob("dt=*/*")] == ["dt=2026-11-06"]


def test_history_that_the_client_changed_is_taken_as_it_is(tmp_path: Path, clock: Clock) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer)
    changed = [user("hi"), said("hello"), user("BYE"), said("ciao"), user("again")]
    later = START + dt.timedelta(hours=1)
    writer.turn("c1", ABOUT, changed, said("yes"), later)
    writer.stop()
    messages = records(tmp_path)[0]["messages"]
    assert [message["content"] for message in messages] == ["hi", "hello", "BYE", "ciao", "again", "yes"]
    assert [message["created_at"][11:16] for message in messages] == ["23:58", "23:58", "00:58", "23:58", "00:58", "23:58"]


def test_only_idle_conversations_are_closed(tmp_path: Path, clock: Clock) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer, "old")
    clock.now += dt.timedelta(minutes=30)
    two_turns(writer, "new")
    assert writer.close_idle(dt.timedelta(minutes=30)) == 1
    assert [record["conversation_id"] for record in records(tmp_path)] == ["old"]
    assert writer.close_idle(dt.timedelta(minutes=30)) == 0
    writer.stop()


def test_stopping_logs_what_is_open_and_leaves_no_journal(tmp_path: Path, clock: Clock) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer, "a")
    two_turns(writer, "b")
    writer.stop()
    assert [record["conversation_id"] for record in records(tmp_path)] == ["a", "b"]
    assert list((tmp_path / ".journal").iterdir()) == []


def test_a_customers_open_conversation_is_found_by_its_history(tmp_path: Path, clock: Clock) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer)
    grown = [user("hi"), said("hello"), user("bye"), said("ciao"), user("one more")]
    assert writer.conversation_of("ada", grown) == "c1"
    assert writer.conversation_of("bo", grown) is None
    assert writer.conversation_of("ada", [user("hi")]) is None
    assert writer.conversation_of("ada", [user("ho"), *grown[1:]]) is None
    writer.stop()


@pytest.mark.parametrize("pid", [7, 8])
def test_after_a_kill_open_conversations_go_on(tmp_path: Path, clock: Clock, pid: int) -> None:
    """By the same process id (as in a container) or another one."""
    first = LogWriter(str(tmp_path), clock=clock, pid=7)
    first.turn("c1", ABOUT, [user("hi")], said("hello"), START)
    killed(first)
    second = LogWriter(str(tmp_path), clock=clock, pid=pid)
    second.turn("c1", ABOUT, [user("hi"), said("hello"), user("bye")], said("ciao"), START)
    second.stop()
    (record,) = records(tmp_path)
    assert [message["content"] for message in record["messages"]] == ["hi", "hello", "bye", "ciao"]
    assert record["messages"][1]["created_at"] == "2026-11-05T23:58:01.000Z"
    assert list((tmp_path / ".journal").iterdir()) == []


def test_a_living_process_keeps_its_journal(tmp_path: Path, clock: Clock) -> None:
    first = LogWriter(str(tmp_path), clock=clock, pid=7)
    first.turn("c1", ABOUT, [user("hi")], said("hello"), START)
    namesake = LogWriter(str(tmp_path), clock=clock, pid=7)
    assert namesake.close("c1") is None
    namesake.turn("c2", ABOUT, [user("hi")], said("hello"), START)
    namesake.stop()
    assert [path.name for path in tmp_path.glob("dt=*/*")] == ["serving-7-2.jsonl"]
    first.stop()
    assert sorted(record["conversation_id"] for record in records(tmp_path)) == ["c1", "c2"]


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_turn_cut_off_in_the_journal_loses_only_itself(tmp_path: Path, clock: Clock, cut: int) -> None:
    first = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(first)
    killed(first)
    journal = tmp_path / ".journal" / "serving-7.journal"
    os.truncate(journal, journal.stat().st_size - cut)
    LogWriter(str(tmp_path), clock=clock, pid=8).stop()
    (record,) = records(tmp_path)
    assert len(record["messages"]) == (4 if cut == 0 else 2)


@pytest.mark.parametrize("written", [0, 30, None])
def test_a_kill_while_a_record_is_written(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    """Nothing, a part, or all of the line is in the file when the process dies: the next one makes it whole, once."""
    first = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(first, "earlier")
    first.close("earlier")
    two_turns(first)
    whole_line = log_writer._line

    def part(closing: log_writer.Closing) -> bytes:
        return whole_line(closing)[:written]

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(log_writer, "_line", part)
        patch.setattr(log_writer, "sync_folder", die)
        with pytest.raises(Killed):
            first.close("c1", {"score": 5.0})
    killed(first)
    LogWriter(str(tmp_path), clock=clock, pid=8).stop()
    found = records(tmp_path)
    assert [record["conversation_id"] for record in found] == ["earlier", "c1"]
    assert found[1]["feedback"] == {"score": 5.0}


def test_a_kill_during_recovery_loses_nothing(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    first = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(first)
    killed(first)

    def die(*_: object) -> None:
        raise Killed

    held: list[Journal] = []
    with monkeypatch.context() as patch:
        patch.setattr(log_writer.State, "snapshot", die)
        patch.setattr(log_writer, "claim", lambda *args: held.append(claim(*args)) or held[-1])
        patch.setattr(log_writer, "abandoned", lambda *args: held.extend(found := abandoned(*args)) or found)
        with pytest.raises(Killed):
            LogWriter(str(tmp_path), clock=clock, pid=8)
    assert [journal.name for journal in held] == ["serving-8", "serving-7"]
    for journal in held:
        journal.release()
    LogWriter(str(tmp_path), clock=clock, pid=9).stop()
    assert [record["conversation_id"] for record in records(tmp_path)] == ["c1"]


def test_a_long_journal_is_shortened(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "JOURNAL_LIMIT", 1)
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer, "open")
    two_turns(writer, "done")
    writer.close("done")
    events = writer._journal.events()
    assert [(event["event"], event["conversation_id"], len(event["add"])) for event in events] == [("turn", "open", 4)]
    writer.stop()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the disk refuse from the n-th write on, with a part of its bytes taken; without a number it has room again."""
    real = os.fsync

    def refuse_from(number: int | None = None) -> None:
        writes = count()

        def fsync(descriptor: int) -> None:
            if number is not None and next(writes) >= number:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - 9)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(descriptor)

        monkeypatch.setattr(storage.os, "fsync", fsync)

    return refuse_from


@pytest.mark.parametrize("ending", ["idle", "stop", "another", "killed"])
def test_a_record_that_a_full_disk_refused_is_written_once_there_is_room(
    tmp_path: Path, clock: Clock, full: Callable[..., None], ending: str
) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer, "earlier")
    writer.close("earlier")
    two_turns(writer)
    two_turns(writer, "other")
    full(1)  # the first write is the journal's
    with pytest.raises(StorageUnavailable, match=r"the storage does not answer \(No space left on device\) → try again"):
        writer.close("c1", {"score": 5.0})
    assert [record["conversation_id"] for record in records(tmp_path)] == ["earlier"], "no half line"
    with pytest.raises(StorageUnavailable):
        writer.close_idle(dt.timedelta(days=1))
    full()
    if ending == "idle":
        assert writer.close_idle(dt.timedelta(days=1)) == 1
    elif ending == "another":
        writer.close("other")
    elif ending == "killed":
        killed(writer)
        writer = LogWriter(str(tmp_path), clock=clock, pid=8)
    writer.stop()
    found = {record["conversation_id"]: record for record in records(tmp_path)}
    assert sorted(found) == ["c1", "earlier", "other"]
    assert len(records(tmp_path)) == 3
    assert found["c1"]["feedback"] == {"score": 5.0}
    assert not (tmp_path / ".journal" / "serving-7.journal").exists()


def test_a_turn_that_a_full_disk_refused_spoils_none_before_or_after_it(
    tmp_path: Path, clock: Clock, full: Callable[..., None]
) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    writer.turn("c1", ABOUT, [user("hi")], said("hello"), START)
    full(0)
    with pytest.raises(StorageUnavailable):
        writer.turn("c2", ABOUT, [user("hi")], said("hello"), START)
    full()
    writer.turn("c3", ABOUT, [user("hi")], said("hello"), START)
    killed(writer)
    LogWriter(str(tmp_path), clock=clock, pid=8).stop()
    assert [record["conversation_id"] for record in records(tmp_path)] == ["c1", "c3"]


def test_what_a_full_disk_refused_stays_in_a_shortened_journal(tmp_path: Path, clock: Clock, full: Callable[..., None]) -> None:
    writer = LogWriter(str(tmp_path), clock=clock, pid=7)
    two_turns(writer)
    full(1)
    with pytest.raises(StorageUnavailable):
        writer.close("c1")
    full()
    writer._journal.replace(writer._state.snapshot())
    killed(writer)
    LogWriter(str(tmp_path), clock=clock, pid=8).stop()
    assert [record["conversation_id"] for record in records(tmp_path)] == ["c1"]


def test_journals_are_for_the_serving_user_only(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path), pid=7)
    assert (tmp_path / ".journal").stat().st_mode & 0o077 == 0
    writer.stop()


def test_logs_in_s3_are_refused() -> None:
    with pytest.raises(SettingsError, match="cannot append its logs to s3://bucket/logs"):
        LogWriter("s3://bucket/logs")

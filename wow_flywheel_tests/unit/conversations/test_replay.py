"""Quarantined lines that pass after a fix, in the library and on the command line."""

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wow_flywheel.conversations.commands import app
from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.conversations.readers import registry
from wow_flywheel.conversations.replay import ReplayOutcome, replay
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read, write
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS
from wow_flywheel_tests.unit.conversations.test_foreign import TURNS, conversation, document, export, span


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A day with three lines quarantined in the lake, two of them repaired since, one gone."""
    logs, lake = tmp_path / "logs", Lake.at(str(tmp_path / "lake"))
    write(logs, b"\n".join([line("c-1"), b"{", line("c-3", user_id=7)]), "a.jsonl")
    gone = write(logs, b"oops", "b.jsonl")
    day = read(logs)
    lake.replace("conversations", day.conversations, DAY)
    lake.replace("quarantine", day.quarantine, DAY)
    assert day.quarantine.height == 3
    write(logs, b"\n".join([line("c-1"), line("c-2"), line("c-3", user_id=8)]), "a.jsonl")
    gone.unlink()
    return logs


def test_a_replay_says_which_lines_now_pass(logs: Path, tmp_path: Path) -> None:
    lake = Lake.at(str(tmp_path / "lake"))
    settings = Settings.from_env({"WOW_LOGS_URI": str(logs), "WOW_LAKE_URI": lake.uri})
    file = f"dt={DAY}/a.jsonl"
    recovered = [{"source_file": file, "source_line": 2, "reason": "not_json", "conversation_id": "c-2"}]
    assert replay(lake, settings, DAY) == ReplayOutcome(DAY, recovered, 1, 1, {"wrong_type": 1}, 2)
    assert lake.read("conversations", DAY)["conversation_id"].to_list() == ["c-1", "c-2"]
    assert lake.read("quarantine", DAY)["source_line"].to_list() == [3]
    assert replay(lake, settings, DAY) == ReplayOutcome(DAY, [], 0, 1, {"wrong_type": 1}, 2)


def test_a_repaired_line_of_feedback_is_recovered_and_kept(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", Lake.at(str(tmp_path / "lake"))
    settings = Settings.from_env({"WOW_LOGS_URI": str(logs), "WOW_LAKE_URI": lake.uri})
    write(logs, line("c-1") + b'\n{"conversation_id": "c-1", "feedback": {"thumb": "sideways"}}')
    assert ingest_day(lake, settings, DAY).counts["quarantined"] == 1
    write(logs, line("c-1") + b'\n{"conversation_id": "c-1", "feedback": {"thumb": "up"}}')
    done = replay(lake, settings, DAY)
    where = {"source_file": f"dt={DAY}/a.jsonl", "source_line": 2}
    assert (done.recovered, done.vanished) == ([where | {"reason": "missing_field", "conversation_id": "c-1"}], 0)
    assert lake.read("feedback", DAY).select("thumb", "joined").rows() == [("up", True)]
    assert lake.read("conversations", DAY)["feedback"][0]["thumb"] == "up"


def repaired(root: Path, documents: list[Any], broken: set[int]) -> ReplayOutcome:
    """A day in which some lines were broken off, and then are whole."""
    return kept_and_repaired(root, documents, broken)[1]


def kept_and_repaired(root: Path, documents: list[Any], broken: set[int]) -> tuple[set[int], ReplayOutcome]:
    """The lines that were kept aside at first, and what a replay makes of them once they are whole."""
    logs, lake = root / "logs", Lake.at(str(root / "lake"))
    places = Settings.from_env({"WOW_LOGS_URI": str(logs), "WOW_LAKE_URI": lake.uri})
    lines = [json.dumps(each).encode() for each in documents]
    write(logs, b"\n".join(text[:-1] if number in broken else text for number, text in enumerate(lines)))
    with read(logs) as day:
        kept = {number - 1 for number in day.quarantine["source_line"]}
        assert kept >= broken
        lake.replace("quarantine", day.quarantine, DAY)
    write(logs, b"\n".join(lines))
    return kept, replay(lake, places, DAY)


CALLS = [export(span(1, TURNS[:2])), export(span(2, TURNS[:4])), export(span(3, TURNS))]
PICTURE = [{"type": "text", "text": "Where is my order?"}, {"type": "image_url", "image_url": {"url": "https://a.example/b"}}]
SEEN = [{"role": "user", "content": PICTURE}, *TURNS[1:]]


@pytest.mark.parametrize(
    ("documents", "name"),
    [
        (conversation(session_id="s-1"), "s-1"),
        (conversation(turns=SEEN, session_id="ann@mail.example"), "anon-"),
        (conversation(), "r-0"),
        (CALLS, "span-1"),
    ],
    ids=["plain calls", "careful calls, an id that is hashed", "no session", "spans"],
)
@pytest.mark.parametrize("broken", [{1}, {2}, {1, 2}, {0, 1, 2}])
def test_a_repaired_later_call_of_a_conversation_is_recovered(
    tmp_path: Path, documents: list[Any], name: str, broken: set[int]
) -> None:
    done = repaired(tmp_path, documents, broken)
    assert [(each["source_line"] - 1, each["reason"]) for each in done.recovered] == [(n, "not_json") for n in sorted(broken)]
    assert all(str(each["conversation_id"]).startswith(name) for each in done.recovered)
    assert (done.vanished, done.still_quarantined, done.conversations) == (0, 0, 1)


def test_a_repaired_line_that_repeats_another_is_not_recovered(tmp_path: Path) -> None:
    call = document(TURNS[:2], 0, session_id="s-1")
    done = repaired(tmp_path, [call, call], {1})
    assert (done.recovered, done.vanished, done.still_quarantined) == ([], 1, 0)


@pytest.mark.parametrize("name", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=examples(20), deadline=None)
def test_every_repaired_line_is_recovered_if_something_was_made_of_it(name: str, data: st.DataObject) -> None:
    documents = DOCUMENTS[name]
    broken = data.draw(st.sets(st.integers(0, len(documents) - 1), min_size=1))
    found = registry.read(name, enumerate(documents), dt.UTC)
    used = {index for sources in found.sources for index in sources} | {n for word in found.waiting for n in word.sources}
    with tempfile.TemporaryDirectory() as root:
        kept, done = kept_and_repaired(Path(root), documents, broken)  # also those by which alone nobody could tell the format
    assert {int(each["source_line"]) - 1 for each in done.recovered} == kept & used
    assert (done.vanished, done.still_quarantined) == (len(kept - used), 0)


def test_the_commands(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOW_LOGS_URI", str(logs))
    monkeypatch.setenv("WOW_LAKE_URI", str(tmp_path / "lake"))
    runner = CliRunner()
    listed = runner.invoke(app, ["quarantine", "--dt", str(DAY), "--json"])
    assert [(each["reason"], each["byte_offset"]) for each in json.loads(listed.output)] == [
        ("not_json", len(line("c-1")) + 1), ("wrong_type", len(line("c-1")) + 3), ("not_json", 0),
    ]  # fmt: skip
    assert "wrong_type" in runner.invoke(app, ["quarantine", "--dt", str(DAY)]).output
    shown = runner.invoke(app, ["replay", "--dt", str(DAY)])
    assert shown.exit_code == 0, shown.output
    assert "next: run the job `nightly` for 2026-11-05" in shown.output
    again = runner.invoke(app, ["replay", "--dt", str(DAY), "--json"])
    assert json.loads(again.output) == {
        "day": str(DAY), "recovered": [], "vanished": 0, "still_quarantined": 1, "reasons": {"wrong_type": 1},
        "conversations": 2,
    }  # fmt: skip
    assert runner.invoke(app, ["replay", "--dt", "yesterday"]).exit_code == 2

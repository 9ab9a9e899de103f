"""Feedback on lines of its own: of the same day, of an earlier one, in any order."""

import datetime as dt
import json
from pathlib import Path

import pytest

from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read, write

LATER = DAY + dt.timedelta(days=2)


def said(conversation_id: str, **feedback: object) -> bytes:
    return json.dumps({"conversation_id": conversation_id, "feedback": feedback}).encode()


def test_feedback_of_the_same_day_joins_its_conversation(tmp_path: Path) -> None:
    first = line("c-1", feedback={"thumb": "up", "comment": "fine"})
    write(tmp_path, b"\n".join([said("c-2", rating=2), first, line("c-2"), said("c-1", thumb="down"), line("c-3")]))
    write(tmp_path, said("c-2", comment="call 13800138000") + b"\n" + said("elsewhere", score=5), "b.jsonl")
    day = read(tmp_path)
    assert day.conversations.select("conversation_id", "feedback").rows() == [
        ("c-1", {"thumb": "down", "score": None, "comment": "fine"}),
        ("c-2", {"thumb": None, "score": 2.0, "comment": "call <PHONE_1>"}),
        ("c-3", None),
    ]
    assert (day.counts["lines"], day.counts["conversation_lines"], day.ignored) == (7, 3, {"feedback": 4})
    assert day.feedback.select("rated_conversation_id", "source_file", "source_line").rows()[-1] == (
        "elsewhere", f"dt={DAY}/b.jsonl", 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (said("c-1", thumb="sideways"), "missing_field"),
        (said("c-1"), "missing_field"),
        (b'{"feedback": {"thumb": "up"}}', "missing_field"),
    ],
)
def test_what_is_no_feedback_is_quarantined(tmp_path: Path, data: bytes, reason: str) -> None:
    write(tmp_path, data)
    assert read(tmp_path).quarantine["reason"].to_list() == [reason]


def test_feedback_that_arrives_days_later(tmp_path: Path) -> None:
    settings = Settings.from_env({"WOW_LOGS_URI": str(tmp_path / "logs"), "WOW_LAKE_URI": str(tmp_path / "lake")})
    lake = Lake.at(settings.lake_uri)
    write(tmp_path / "logs", line("c-1") + b"\n" + line("c-2"))
    late = tmp_path / "logs" / f"dt={LATER}" / "a.jsonl"
    late.parent.mkdir()
    late.write_bytes(
        said("c-2", thumb="down") + b"\n" + line("c-9", started_at=f"{LATER}T08:00:00Z", ended_at=f"{LATER}T08:05:00Z")
    )
    assert ingest_day(lake, settings, DAY).reopened == []
    assert ingest_day(lake, settings, LATER).reopened == [DAY]
    assert [each["thumb"] if each else None for each in ingest(lake, settings)] == [None, "down"]
    late.write_bytes(line("c-9", started_at=f"{LATER}T08:00:00Z", ended_at=f"{LATER}T08:05:00Z"))
    ingest_day(lake, settings, LATER)
    assert lake.read("feedback").is_empty()
    assert ingest(lake, settings) == [None, None]


def ingest(lake: Lake, settings: Settings) -> list[dict[str, object] | None]:
    ingest_day(lake, settings, DAY)
    feedback: list[dict[str, object] | None] = lake.read("conversations", DAY).sort("conversation_id")["feedback"].to_list()
    return feedback

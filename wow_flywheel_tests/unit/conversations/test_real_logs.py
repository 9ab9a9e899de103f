"""Real conversations are read whole, and redaction touches what it should there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.sources import LogSource

DATA = Path(__file__).parents[3].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sample data (../shared/data) is not here")


def read_all(name: str) -> list[DayRead]:
    source = LogSource.at(str(DATA / name / "logs"))
    return [read_day(source, day) for day in source.days()]


def placeholders(days: list[DayRead]) -> Counter[str]:
    texts = (
        text
        for day in days
        for messages in day.conversations["messages"]
        for each in messages
        for text in (each["content"], *(call["arguments"] for call in each["tool_calls"] or ()))
    )
    return Counter(kind for text in texts if text for kind in re.findall(r"<([A-Z]+)_\d+>", text))


def pseudonyms(days: list[DayRead]) -> int:
    """Ids of tool calls that look like somebody's number, at the call and at its result."""
    held = (each for day in days for messages in day.conversations["messages"] for each in messages)
    ids = (name for each in held for name in (each["tool_call_id"], *(call["id"] for call in each["tool_calls"] or ())))
    return sum(name is not None and name.startswith("anon-") for name in ids)


@pytest.mark.parametrize(
    ("name", "files", "conversations", "kinds"),
    [
        # STAR's accounts and bar codes have 8 to 13 digits: none is a phone or a card
        ("star", 15, 4216, {"NAME", "USER", "BIRTH", "ADDRESS"}),
        pytest.param("tau", 12, 519, {"EMAIL", "PHONE", "NAME", "BIRTH", "ADDRESS"}, marks=pytest.mark.slow),
        ("crosswoz", 4, 500, {"PHONE", "ADDRESS"}),
    ],
)
def test_every_conversation_is_read(name: str, files: int, conversations: int, kinds: set[str]) -> None:
    days = read_all(name)
    totals = sum((Counter(day.counts) for day in days), Counter())
    assert (totals["files"], totals["lines"], totals["conversations"]) == (files, conversations, conversations)
    assert totals["quarantined"] == totals["duplicates"] == 0
    found = placeholders(days)
    assert set(found) == kinds
    assert sum(found.values()) + pseudonyms(days) == totals["redactions"]

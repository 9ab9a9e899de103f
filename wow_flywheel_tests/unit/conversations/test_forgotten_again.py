"""A forgotten person whose lines still lie in the logs: reading these again brings nothing of them back, in any format."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.forget.erase import forget
from wow_flywheel_tests.unit.conversations.logs import DAY, line
from wow_flywheel_tests.unit.conversations.test_foreign import OTHER, document, export, span
from wow_flywheel_tests.unit.conversations.test_late_feedback import LAST, LATER, World

NOW = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)
SAID = "my zebra umbrella"
ASKED = [{"role": "user", "content": SAID}, {"role": "assistant", "content": "Done"}]
NO_CUSTOMER, AGAIN = (
    [{"role": "assistant", "content": f"{SAID} {word}"}, {"role": "assistant", "content": "Hello?"}] for word in ("one", "two")
)
"""No turn of the customer: such a conversation is quarantined."""


def rows_of_langfuse(name: str, said: list[dict[str, Any]], **about: Any) -> dict[str, Any]:
    row = {"id": f"o-{name}", "traceId": f"t-{name}", "type": "GENERATION", "startTime": f"{DAY}T08:00:00Z", **about}
    return row | {"input": {"messages": said[:-1]}, "output": said[-1]}


LINES = {
    "native": [
        line("c-1", user_id="ann", messages=[*ASKED]),
        {"conversation_id": "c-1", "feedback": {"comment": SAID, "correction": SAID}},
        {"conversation_id": "c-2", "user_id": "ann", "messages": SAID},
        {"conversation_id": "elsewhere", "user_id": "ann", "feedback": {"comment": SAID}},
    ],
    "openai": [
        document(ASKED, 1, user_id="ann"),
        document(NO_CUSTOMER, 2) | {"request": {"user": "ann", "messages": NO_CUSTOMER[:-1]}},
        document(AGAIN, 3, metadata={"user_id": "ann"}),
        json.dumps(document(ASKED, 4, user_id="ann")).encode()[:-1],
    ],
    "otel": [
        export(span(1, ASKED, **{"user.id": "ann"})),
        export(span(2, NO_CUSTOMER, **{"user.id": "ann"})),
        export(span(3, AGAIN, **{"enduser.id": "ann"})),
        json.dumps(export(span(4, ASKED, **{"user.id": "ann"}))).encode()[:-1],
    ],
    "langfuse": [
        rows_of_langfuse("1", ASKED, userId="ann"),
        rows_of_langfuse("2", NO_CUSTOMER, userId="ann"),
        rows_of_langfuse("3", AGAIN, metadata=json.dumps({"user.id": "ann"})),
    ],
}
LATE = {
    "native": {"conversation_id": "c-1", "feedback": {"comment": SAID}},
    "openai": {"response_id": "r-1", "feedback": {"comment": SAID, "correction": SAID}},
    "otel": {"trace_id": "trace-1", "feedback": {"comment": SAID}},
    "langfuse": {"id": "s", "traceId": "t-1", "name": "thumb", "value": 1, "comment": SAID, "source": "API", "dataType": "X"},
}


def found(world: World) -> list[str]:
    """The tables that hold what the person said."""
    tables = ("conversations", "quarantine", "feedback")
    return [name for name in tables if SAID in str(world.lake.read(name).to_dicts())]


@pytest.mark.parametrize("name", LINES)
def test_nothing_of_a_forgotten_person_comes_back(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    world.put(DAY, *LINES[name])
    world.put(LATER, LATE[name])
    world.put(LAST, line("c-9", user_id="bob"))
    days = (DAY, LATER, DAY)
    before = [ingest_day(world.lake, world.settings, day) for day in days]
    assert found(world) == ["conversations", "quarantine", "feedback"]
    assert before[1].waiting == 0
    forget(world.lake, world.settings, "ann", NOW)
    assert found(world) == []
    again = [ingest_day(world.lake, world.settings, day) for day in days]
    assert found(world) == []
    assert again[0].ignored == {"forgotten": len(LINES[name])}
    assert again[1].ignored == {"forgotten": 1}
    assert world.lake.read("conversations").is_empty()


def test_feedback_on_what_a_forgotten_person_says_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(DAY, line("c-1", user_id="ann"))
    ingest_day(world.lake, world.settings, DAY)
    forget(world.lake, world.settings, "ann", NOW)
    world.put(LATER, document(ASKED, 1, user_id="ann"), {"response_id": "r-1", "feedback": {"comment": SAID}})
    world.put(LAST, {"call_id": "r-1", "feedback": {"comment": SAID}}, document(OTHER, 50))
    assert [ingest_day(world.lake, world.settings, day).ignored for day in (LATER, LAST)] == [
        {"forgotten": 2}, {"forgotten": 1},
    ]  # fmt: skip
    assert found(world) == []
    assert world.lake.read("forgotten")["conversations"].list.len().to_list() == [1, 1]

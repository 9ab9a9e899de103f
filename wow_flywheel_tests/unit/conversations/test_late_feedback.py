"""Feedback, scores and better replies that come on another day than what they are about, in every format."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.conversations.daily import Ingested, ingest_day
from wow_flywheel.conversations.feedback import reach
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.conversations.logs import DAY, line, record
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS
from wow_flywheel_tests.unit.conversations.test_foreign import OTHER, TURNS, conversation, document, export, span

LATER, LAST = DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)
LATE = {
    "openai": lambda each: "feedback" in each,
    "otel": lambda each: "resourceLogs" in each,
    "langfuse": lambda each: "value" in each,
    "tensorzero": lambda each: "value" in each,
    "langsmith": lambda each: "key" in each,
}
"""Which of the sample documents are what people said."""


class World:
    """A lake, and logs in folders of days."""

    def __init__(self, root: Path) -> None:
        places = {"WOW_LOGS_URI": str(root / "logs"), "WOW_LAKE_URI": str(root / "lake")}
        self.root, self.settings = root, Settings.from_env(places)
        self.lake = Lake.at(self.settings.lake_uri)

    def put(self, folder: dt.date | str, *documents: Any, name: str = "a.jsonl") -> None:
        path = self.root / "logs" / (folder if isinstance(folder, str) else f"dt={folder}") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents))

    def ingest(self, day: dt.date) -> Ingested:
        return ingest_day(self.lake, self.settings, day)

    def told(self, day: dt.date = DAY) -> dict[str, tuple[Any, list[str]]]:
        """Of each conversation what was said of it, and what was said in it."""
        rows = self.lake.read("conversations", day).sort("conversation_id").to_dicts()
        return {row["conversation_id"]: (_said(row["feedback"]), [each["content"] for each in row["messages"]]) for row in rows}


def _said(feedback: dict[str, Any] | None) -> dict[str, Any] | None:
    return feedback and {name: value for name, value in feedback.items() if value is not None}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_comes_the_next_day_says_what_it_says_at_once(tmp_path: Path, name: str) -> None:
    together, apart = World(tmp_path / "together"), World(tmp_path / "apart")
    together.put(DAY, *DOCUMENTS[name])
    together.ingest(DAY)
    apart.put(DAY, *(each for each in DOCUMENTS[name] if not LATE[name](each)))
    apart.put(LATER, *(each for each in DOCUMENTS[name] if LATE[name](each)))
    assert apart.ingest(DAY).reopened == []
    assert all(feedback is None for feedback, _ in apart.told().values())
    late = apart.ingest(LATER)
    assert (late.reopened, late.waiting) == ([DAY], 1)
    apart.ingest(DAY)
    expected, found = together.told(), apart.told()
    if name == "langsmith":  # the reply was written to the trace, and what is stored does not say which call that ended with
        expected[f"{'0' * 36}-demonstration"] = expected.pop(f"{'0' * 35}2-demonstration")
    assert found == expected
    assert sum(each.endswith("-demonstration") for each in found) == (name != "otel")
    waits = apart.lake.read("feedback", LATER)
    assert waits["joined"].to_list() == [False] * waits.height


def test_a_word_on_a_call_a_trace_and_a_session(world: World) -> None:
    about = {"gen_ai.conversation.id": "s-1"}
    world.put(DAY, export(span(0, TURNS[:2], **about)), export(span(1, TURNS[:4], **about)), name="spans.jsonl")
    world.put(DAY, *conversation(20, session_id="s-2"), document(OTHER, 50), name="calls.jsonl")
    world.put(
        LATER,
        {"trace_id": "trace-1", "feedback": {"thumb": "down"}},
        {"message_id": "r-50", "trace_id": "elsewhere", "feedback": {"rating": 4}},
        {"conversation_id": "s-2", "feedback": {"comment": "Call 13800138000"}},
        {"conversation_id": "s-3", "message_id": "m-1", "feedback": {"thumb": "up"}},
        record("c-1"),
    )
    world.ingest(DAY)
    late = world.ingest(LATER)
    assert (late.reopened, late.waiting, late.ignored) == ([DAY], 1, {"feedback": 4})
    world.ingest(DAY)
    assert {name: feedback for name, (feedback, _) in world.told().items()} == {
        "s-1": {"thumb": "down"}, "r-50": {"score": 4.0}, "s-2": {"comment": "Call <PHONE_1>"},
    }  # fmt: skip
    columns = ("rated_message_id", "rated_ids", "joined")
    assert world.lake.read("feedback").sort("source_line").select(columns).rows() == [
        (None, ["trace-1"], False), ("r-50", ["r-50", "elsewhere"], False), (None, ["s-2"], False),
        ("m-1", ["m-1", "s-3"], False),
    ]  # fmt: skip


def test_what_waits_is_joined_when_its_conversation_comes(world: World) -> None:
    """The day of the calls is read after that of the feedback, and the day after that again."""
    world.put(DAY, {"response_id": "r-2", "feedback": {"thumb": "down"}})
    world.put(LATER, *conversation(session_id="s-1"))
    assert (world.ingest(DAY).waiting, world.lake.read("feedback")["joined"].to_list()) == (1, [False])
    world.ingest(LATER)
    assert world.told(LATER)["s-1"][0] == {"thumb": "down"}
    again = world.ingest(DAY)
    assert (again.waiting, again.reopened) == (0, [LATER])


def test_what_a_days_own_conversation_has_is_not_said_of_a_later_one_with_its_id(world: World) -> None:
    world.put(DAY, line("c-1"), {"conversation_id": "c-1", "feedback": {"thumb": "up"}})
    world.put(LATER, line("c-1"))
    world.ingest(LATER)
    assert world.ingest(DAY).reopened == []
    world.ingest(LATER)
    assert (world.told()["c-1"][0], world.told(LATER)["c-1"][0]) == ({"thumb": "up"}, None)


def test_in_files_of_no_days_folder(world: World) -> None:
    rated = {"id": "x", "traceId": "t-1", "name": "thumb", "value": 0, "source": "API", "dataType": "BOOLEAN"}
    world.put("", *DOCUMENTS["langfuse"][:2], name="rows.jsonl")
    world.put("", rated | {"timestamp": f"{LATER}T08:00:00Z"}, name="scores.jsonl")
    world.ingest(DAY)
    assert world.ingest(LATER).reopened == [DAY]
    world.ingest(DAY)
    assert [feedback for feedback, _ in world.told().values()] == [{"thumb": "down"}]


def test_a_better_reply_to_the_first_of_two_calls(world: World) -> None:
    """The conversation has the id of its first call, which is the call that is meant."""
    calls = conversation(user_id="u")
    world.put(DAY, *calls)
    world.put(LATER, {"response_id": "r-0", "feedback": {"correction": "I will look."}})
    for day in (DAY, LATER, DAY):
        world.ingest(day)
    assert world.told()["r-0-demonstration"] == ({"thumb": "up"}, ["Be kind.", "Where is my order?", "I will look."])
    assert world.told()["r-0"][0] is None


BETTER = {"thumb": "down", "correction": "It comes on Friday, Ann. Write to ann@x.com"}
ASKED, FRIDAY = "Where is my order?", "It comes on Friday, Ann. Write to <EMAIL_1>"


def test_a_better_reply_in_a_native_record(world: World) -> None:
    world.put(
        DAY, line("c-1", feedback=BETTER), line("c-2", feedback={"correction": [{"role": "assistant", "content": "No."}]})
    )
    done = world.ingest(DAY)
    assert world.told() == {
        "c-1": ({"thumb": "down"}, [ASKED, "On its way."]),
        "c-1-demonstration": ({"thumb": "up"}, [ASKED, FRIDAY]),
        "c-2": (None, [ASKED, "On its way."]),
        "c-2-demonstration": ({"thumb": "up"}, [ASKED, "No."]),
    }
    assert (done.counts["lines"], done.counts["conversation_lines"], done.counts["conversations"]) == (2, 2, 4)
    row = world.lake.read("conversations").filter(conversation_id="c-1-demonstration").to_dicts()[0]
    assert (row["model"], row["user_id"], row["messages"][1]["created_at"].second) == (None, "u-1", 10)


def test_a_better_reply_on_a_native_line_of_its_own(world: World) -> None:
    world.put(DAY, line("c-1"), {"conversation_id": "c-1", "feedback": {"correction": "No."}})
    world.put(LATER, {"conversation_id": "c-1", "feedback": {"correction": "On Friday."}})
    assert world.ingest(DAY).ignored == {"feedback": 1}
    assert world.told()["c-1-demonstration"] == ({"thumb": "up"}, [ASKED, "No."])
    assert world.ingest(LATER).reopened == [DAY]
    world.ingest(DAY)
    assert world.told()["c-1-demonstration"] == ({"thumb": "up"}, [ASKED, "On Friday."])
    assert world.told()["c-1"] == (None, [ASKED, "On its way."])


def test_a_conversation_that_is_there_is_not_replaced_by_a_better_reply(world: World) -> None:
    world.put(DAY, line("c-1", feedback=BETTER), line("c-1-demonstration"))
    assert world.ingest(DAY).counts["conversations"] == 2
    assert world.told()["c-1-demonstration"][1] == [ASKED, "On its way."]


def test_rows_of_the_tables_first_version_are_joined(world: World) -> None:
    world.put(DAY, line("c-1"))
    world.ingest(DAY)
    told = {"dt": LAST, "rated_conversation_id": "c-1", "thumb": "up", "source_file": "a", "source_line": 1}
    world.lake.replace("feedback", pl.DataFrame([told]), LAST)
    assert reach(world.lake, world.lake.read("feedback"), LAST).days == [DAY]
    world.ingest(DAY)
    assert world.told()["c-1"][0] == {"thumb": "up"}

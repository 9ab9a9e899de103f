"""Fields that do not keep to the contract: frozen, discarded or kept, column by column."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from wow_flywheel.contracts import Drift
from wow_flywheel.conversations.drift import OPTIONAL, LogContract, read_contract
from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.errors import SettingsError
from wow_flywheel_tests.unit.conversations.logs import DAY, line, write

USER = {"role": "user", "content": "hi"}


def read(root: Path, data: bytes, modes: str) -> DayRead:
    write(root, data)
    return read_day(LogSource.at(str(root)), DAY, contract=read_contract(modes))


@pytest.mark.parametrize(
    ("column", "data", "kept"),
    [
        ("channel", line(channel=7), {"channel": "7"}),
        ("locale", line(locale=["en"]), {"locale": '["en"]'}),
        ("scenario", line(scenario={"a": 1}), {"scenario": '{"a": 1}'}),
        ("model", line(model=False), {"model": "false"}),
        ("feedback", line(feedback="up"), None),
        ("feedback", line(feedback={"score": 9}), None),
    ],
)
def test_the_modes_of_a_column(tmp_path: Path, column: str, data: bytes, kept: Mapping[str, str] | None) -> None:
    frozen = read(tmp_path, data, "")
    assert (frozen.counts["quarantined"], frozen.drift) == (1, {})
    discarded = read(tmp_path, data, f"{column}=discard_value")
    assert discarded.conversations[column].to_list() == ["unknown" if column == "scenario" else None]
    assert discarded.drift == {column: 1}
    if kept is not None:
        evolved = read(tmp_path, data, f"{column}=evolve")
        assert (evolved.conversations[column].to_list(), evolved.drift) == ([kept[column]], {column: 1})


@pytest.mark.parametrize("changed", [{"created_at": "yesterday"}, {"usage": []}, {"action": 5}])
def test_fields_of_messages(tmp_path: Path, changed: dict[str, object]) -> None:
    (column,) = changed
    data = line(messages=[USER, USER | changed, USER | changed])
    assert read(tmp_path, data, "").counts["quarantined"] == 1
    day = read(tmp_path, data, f"{column}=discard_value")
    assert [each[column] for each in day.conversations["messages"][0]] == [None, None, None]
    assert day.drift == {column: 1}


def test_fields_that_the_contract_does_not_know(tmp_path: Path) -> None:
    known, unknown = line("c-1"), line("c-2", tenant="acme", ticket={"by": "a@b.com", "customer_name": "Ann Lee"})
    data = known + b"\n" + unknown
    discarded = read(tmp_path, data, "")
    assert discarded.conversations["extra"].to_list() == [None, None]
    assert discarded.drift == {"tenant": 1, "ticket": 1}
    kept = read(tmp_path, data, "others=evolve")
    assert json.loads(kept.conversations["extra"][1]) == {
        "tenant": "acme", "ticket": {"by": "<EMAIL_1>", "customer_name": "<NAME_1>"},
    }  # fmt: skip
    frozen = read(tmp_path, data, "others=freeze")
    assert frozen.quarantine.select("source_line", "reason", "detail").rows() == [
        (2, "unknown_field", "2 fields are not in the contract of version 3")
    ]
    assert frozen.conversations["conversation_id"].to_list() == ["c-1"]


def test_fields_of_messages_and_feedback_that_the_contract_does_not_know(tmp_path: Path) -> None:
    messages = [USER | {"mood": "calm"}, USER | {"mood": "cross", "by": "a@b.com"}, USER]
    data = line("c-1") + b"\n" + line("c-2", messages=messages, feedback={"thumb": "up", "why": ["late"]}, tenant="acme")
    discarded = read(tmp_path, data, "")
    assert discarded.conversations["extra"].to_list() == [None, None]
    assert discarded.drift == {"messages.mood": 1, "messages.by": 1, "feedback.why": 1, "tenant": 1}
    kept = read(tmp_path, data, "others=evolve")
    assert kept.drift == discarded.drift
    assert json.loads(kept.conversations["extra"][1]) == {
        "tenant": "acme",
        "messages": {"0": {"mood": "calm"}, "1": {"mood": "cross", "by": "<EMAIL_1>"}},
        "feedback": {"why": ["late"]},
    }
    frozen = read(tmp_path, data, "others=freeze")
    assert frozen.quarantine.select("source_line", "reason", "detail").rows() == [
        (2, "unknown_field", "4 fields are not in the contract of version 3")
    ]


def test_a_field_of_messages_that_names_the_customer_is_no_drift(tmp_path: Path) -> None:
    write(tmp_path, line(messages=[USER | {"content": "Ann Lee here", "author": "Ann Lee"}]))
    contract = read_contract("others=freeze")
    day = read_day(LogSource.at(str(tmp_path)), DAY, contract=contract, personal=["messages.author"])
    assert day.conversations["messages"][0][0]["content"] == "<NAME_1> here"
    assert day.drift == {}


def test_a_name_in_a_field_of_its_own_is_redacted_where_others_are_kept(tmp_path: Path) -> None:
    data = line(messages=[{"role": "user", "content": "This is Ann Lee"}], customer_name="Ann Lee", note="for Ann Lee")
    day = read(tmp_path, data, "others=evolve")
    assert day.conversations["messages"][0][0]["content"] == "This is <NAME_1>"
    assert json.loads(day.conversations["extra"][0]) == {"note": "for <NAME_1>"}


def test_the_defaults() -> None:
    assert {column: LogContract().mode(column) for column in OPTIONAL if column != "others"} == dict.fromkeys(
        (column for column in OPTIONAL if column != "others"), Drift.FREEZE
    )
    assert LogContract().mode("others") is Drift.DISCARD
    assert read_contract(" locale = evolve , others=freeze,") == LogContract({"locale": Drift.EVOLVE, "others": Drift.FREEZE})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("locales=freeze", "did you mean locale"),
        ("user_id=discard_value", "names the column 'user_id'"),
        ("locale", "the mode ''"),
        ("locale=drop", "the modes are evolve, freeze, discard_value"),
        ("feedback=evolve", "feedback cannot evolve"),
    ],
)
def test_a_setting_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_contract(text)

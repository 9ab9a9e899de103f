"""Live conversations: the same findings as the daily partition has, refusals that name the field, and no state in between."""

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wow_flywheel.rules import Checker, check
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.incoming import BadConversation, parse, parse_json
from wow_flywheel_tests.unit.inspection.talk import day, user
from wow_flywheel_tests.unit.rules.fixtures import samples
from wow_flywheel_tests.unit.rules.talk import procedure, step, units
from wow_flywheel_tests.unit.rules.test_engine import ANGRY, KNOWLEDGE, MESSAGE, PROCEDURE, TALKS

COLUMNS = ["rule_id", "rule_version", "issue_type", "severity", "turn", "quote", "evidence"]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(KNOWLEDGE, PROCEDURE)


def daily(talks: Any, knowledge: pl.DataFrame, steps: pl.DataFrame) -> list[list[dict[str, Any]]]:
    """What the daily partition finds in each of a day's conversations, but for steps, which are weighed against the others."""
    rows = find(day(*talks), knowledge, steps).filter(pl.col("rule_id") != "skipped_step").sort("turn", "rule_id", "quote")
    return [rows.filter(pl.col("conversation_id") == f"talk-{i}").select(COLUMNS).to_dicts() for i in range(len(talks))]


def live(checker: Checker, talks: Any) -> list[list[dict[str, Any]]]:
    """What is found in each, one after another."""
    found = [checker.check({"scenario": "refund", "messages": messages}) for messages in talks]
    return [[finding for finding in each if finding["rule_id"] != "skipped_step"] for each in found]


def test_a_conversation_by_hand() -> None:
    found = check({"conversation_id": "c", "messages": ANGRY, "started_at": "2026-01-01T00:00:00Z"})
    assert [(f["turn"], f["rule_id"]) for f in found] == [
        (1, "blaming"), (1, "no_apology"), (3, "asked_twice"), (3, "blaming"), (3, "pushed_back"), (3, "repeated_reply"),
        (5, "promise_left_open"),
    ]  # fmt: skip
    assert list(found[0]) == COLUMNS
    assert found[0]["quote"] == "Calm down"


def test_each_fixture_gives_alone_what_the_daily_partition_finds(checker: Checker) -> None:
    talks = TALKS[::3]
    assert live(checker, talks) == daily(talks, KNOWLEDGE, PROCEDURE)


@given(talks=st.lists(st.lists(MESSAGE, max_size=8), min_size=1, max_size=3))
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_conversation_gives_what_the_daily_partition_finds(checker: Checker, talks: list[Any]) -> None:
    for call in (call for talk in talks for message in talk for call in message.get("tool_calls") or []):
        call["name"] = call["name"] or "nameless"  # a call without a name is refused
    assert live(checker, talks) == daily(talks, KNOWLEDGE, PROCEDURE)


MESSAGES = [message for talk in TALKS for message in talk]


@given(talks=st.lists(st.lists(st.sampled_from(MESSAGES), min_size=2, max_size=14), min_size=12, max_size=12))
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_fixtures_in_any_mixture_give_what_the_daily_partition_finds(checker: Checker, talks: list[Any]) -> None:
    assert live(checker, talks) == daily(talks, KNOWLEDGE, PROCEDURE)


def test_every_rule_is_compiled(checker: Checker) -> None:
    assert checker.left == {}


def test_steps_are_weighed_within_one_conversation_as_in_a_day_of_one(checker: Checker) -> None:
    talk = [user("Refund."), step("pay_back", "Refunded!"), user("So?"), step("verify", "Who are you?")]
    found = [f for f in checker.check({"scenario": "refund", "messages": talk}) if f["rule_id"] == "skipped_step"]
    assert [(f["turn"], f["quote"]) for f in found] == [(1, "Refunded!")]
    alone = find(day(talk), KNOWLEDGE, PROCEDURE).filter(pl.col("rule_id") == "skipped_step").sort("turn")
    assert [f["evidence"] for f in found] == alone["evidence"].to_list()


def test_every_planted_defect_is_found_live() -> None:
    for sample in samples():
        if sample.language == "en" and sample.rule != "skipped_step":  # which is weighed against the day's others
            own = Checker(units(sample.knowledge), procedure(sample.steps)) if sample.knowledge or sample.steps else None
            for planted in sample.planted:
                found = check({"scenario": "refund", "messages": planted.messages}, own)
                assert (sample.rule, planted.turn, planted.quote) in {(f["rule_id"], f["turn"], f["quote"]) for f in found}


def test_content_in_parts_and_calls_in_openais_form_are_read() -> None:
    parts = [{"type": "text", "text": "Calm"}, {"type": "text", "text": "down."}, {"type": "image_url", "image_url": {}}]
    call = {"id": "a", "type": "function", "function": {"name": "refund", "arguments": "nope"}}
    talk = [{"role": "user", "content": "Oh"}, {"role": "assistant", "content": parts, "tool_calls": [call]}]
    assert [f["rule_id"] for f in check({"messages": talk})] == ["malformed_arguments"]
    assert parse({"messages": talk}).messages[1].text() == "Calm\ndown.\n[image_url]"


@pytest.mark.parametrize(
    ("conversation", "field"),
    [
        ({}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "usr", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": "x"}] * 1001}, "messages"),
        ({"messages": [], "scenario": 3}, "scenario"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages.0.tool_calls.0.function"),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_field(conversation: Any, field: str) -> None:
    with pytest.raises(BadConversation) as caught:
        check(conversation)
    assert caught.value.field == field


@pytest.mark.parametrize("body", [b"", b"nope", b"[]", b"\xff", b'{"messages": [{]}'])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadConversation) as caught:
        parse_json(body)
    assert caught.value.field == "body"

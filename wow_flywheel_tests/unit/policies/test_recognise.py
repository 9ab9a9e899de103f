"""Recognising a scenario from what is said and called, and the policies that applied."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.policies.recognise import Recogniser, match, spoken
from wow_flywheel.policies.units import Policy, parse_unit
from wow_flywheel_tests.unit.inspection.talk import agent, call, day, user

REFUND = parse_unit({"text": "A refund goes back to the card in three days."}, "refund", "r.yaml")
DELIVERY = parse_unit({"text": "The rider brings the parcel; a late parcel earns a voucher."}, "delivery", "d.yaml")
POLICIES = [REFUND, DELIVERY]
ASKS_REFUND = [user("My cake was cold, I want a refund to my card."), agent("You get it back in three days.")]
ASKS_PARCEL = [user("Where is my parcel?"), call("track_parcel"), agent("The rider is near.")]


def unnamed(*talks: Any) -> pl.DataFrame:
    return day(*talks).with_columns(scenario=pl.lit("unknown"))


def test_the_policies_text_alone_tells_two_scenarios_apart() -> None:
    scores = Recogniser(POLICIES).fit().scores([ASKS_REFUND, ASKS_PARCEL])
    assert [max(each, key=each.__getitem__) for each in scores] == ["refund", "delivery"]
    assert all(abs(sum(each.values()) - 1) < 1e-9 for each in scores)


def test_earlier_conversations_teach_words_that_no_policy_has() -> None:
    bills = [[user("my bill is wrong"), agent("let me see the bill")] for _ in range(3)]
    odd = [[user("the courier never showed up"), agent("oh no")] for _ in range(3)]
    taught = Recogniser(POLICIES).fit([*bills, *odd], ["refund"] * 3 + ["delivery"] * 3)
    scores = taught.scores([[user("the courier never showed up")], [user("a wrong bill")]])
    assert [max(each, key=each.__getitem__) for each in scores] == ["delivery", "refund"]


def test_a_recogniser_sees_words_and_tools_and_no_log_field() -> None:
    text = spoken([{**user("hi"), "action": "secret_action"}, call("track_parcel", order="77")])
    assert "secret_action" not in text
    assert "77" not in text
    assert "tool:track_parcel" in text


def test_a_conversation_about_two_things_is_matched_to_both() -> None:
    other = [
        user("By the way, where is my parcel? The rider is late."),
        call("track_parcel"),
        agent("The rider has the parcel."),
    ]
    found = match(unnamed([*ASKS_REFUND * 4, *other * 3]), POLICIES, CONVERSATIONS.empty())
    assert set(found["policy_id"]) == {"refund", "delivery"}
    assert found["rank"].to_list() == [1, 2]


def test_a_logged_scenario_with_a_policy_is_taken_as_it_is() -> None:
    found = match(day(ASKS_PARCEL), POLICIES, CONVERSATIONS.empty())  # `day` logs the scenario refund
    assert found.select("policy_id", "confidence").rows() == [("refund", 1.0)]


def test_only_policies_in_force_at_the_time_count() -> None:
    def fee(text: str, **dates: str) -> Policy:
        return parse_unit({"id": "fee", "scenario": "refund", "text": text, **dates}, "fee", "f.yaml")

    old, new = fee("5", valid_until="2026-03-01"), fee("6", valid_from="2026-03-02")
    found = match(day(ASKS_REFUND), [old, new], CONVERSATIONS.empty())  # on 2026-03-02
    assert found["policy_version"].to_list() == [new.version]
    assert found["dt"].to_list() == [dt.date(2026, 3, 2)]


def test_without_policies_or_conversations_nothing_is_matched() -> None:
    assert match(day(ASKS_REFUND), [], CONVERSATIONS.empty()).is_empty()
    assert match(CONVERSATIONS.empty(), POLICIES, CONVERSATIONS.empty()).is_empty()

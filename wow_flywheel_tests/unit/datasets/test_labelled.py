"""Replies with labels for KTO: what ended a Good Case, and what was said where a Bad Case went wrong."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.datasets.labelled import COLUMNS, bad_replies, good_replies
from wow_flywheel.datasets.rows import dialogue_rows, sft_rows
from wow_flywheel.dialogue import Message
from wow_flywheel_tests.unit.cases.rows import DAY, a_case, cases, claim, conversations, inspections
from wow_flywheel_tests.unit.datasets.good_cases import ACT, ASK, DONE, TALK
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

BAD = [user("Refund order 31."), agent("You get 45."), user("Why 45?"), agent("Because.")]


def good(*messages: Message) -> list[dict[str, Any]]:
    """The labelled reply of a Good Case."""
    talk = conversations("a", messages=list(messages))
    return good_replies(sft_rows(cases(a_case("good", "a")), talk, "c1")).to_dicts()


def bad(*claims: dict[str, Any], label: str = "bad") -> list[dict[str, Any]]:
    """The labelled replies of one conversation that has these findings."""
    talk = conversations("b", messages=BAD, locale="en-GB")
    return bad_replies(cases(a_case(label, "b")), talk, inspections(*claims)).to_dicts()


def wrong(turn: int, issue: str = "hallucination", decision: str = "accepted", severity: str = "major") -> dict[str, Any]:
    return claim(issue, severity, turn, decision, "b")


def test_a_good_case_gives_its_last_reply() -> None:
    assert good(*TALK, user("Thanks.")) == [
        {
            "dt": DAY, "conversation_id": "a", "reply_id": "a#last", "user_id": "u1", "scenario": "refund", "label": "good",
            "issue_type": None, "language": "und", "completion": DONE,
            "prompt": [
                {"role": "user", "content": "Refund, please."}, {"role": "assistant", "content": ASK},
                {"role": "user", "content": "7"}, {"role": "assistant", "content": ACT},
                {"role": "tool", "content": '{"ok": true}'},
            ],
        }
    ]  # fmt: skip


def test_of_parallel_calls_at_the_end_the_last_one_is_the_reply() -> None:
    calls = [*call("refund", order=7)["tool_calls"], *call("find", "c2", city="Porto")["tool_calls"]]
    (row,) = good(user("Both."), {"role": "assistant", "content": None, "tool_calls": calls}, tool("c1", ok=True), tool("c2"))
    assert row["completion"] == '{"knowledge":[],"reply":null,"action":{"name":"find","arguments":{"city":"Porto"}}}'
    assert [message["content"] for message in row["prompt"]] == ["Both.", ACT, '{"ok": true}']


def test_a_good_case_in_which_no_customer_spoke_before_the_reply_gives_none() -> None:
    assert good(agent("Hello!"), user("Bye.")) == []


def test_dialogues_of_other_sources_give_none() -> None:
    assert good_replies(dialogue_rows(conversations("a", messages=TALK), "c1", "human")).is_empty()


def test_a_bad_case_gives_what_was_said_where_it_went_wrong() -> None:
    assert bad(wrong(1)) == [
        {
            "dt": DAY, "conversation_id": "b", "reply_id": "b#1", "user_id": "u1", "scenario": "refund", "label": "bad",
            "issue_type": "hallucination", "language": "en",
            "prompt": [{"role": "user", "content": "Refund order 31."}],
            "completion": '{"knowledge":[],"reply":"You get 45.","action":null}',
        }
    ]  # fmt: skip
    both = bad(wrong(3, "poor_empathy"), wrong(1))
    assert [(row["reply_id"], row["issue_type"]) for row in both] == [("b#1", "hallucination"), ("b#3", "poor_empathy")]


@pytest.mark.parametrize(
    ("claims", "label"),
    [
        ((), "bad"),
        ((wrong(1, decision="rejected"),), "bad"),
        ((wrong(1, severity="minor"),), "bad"),
        ((wrong(1),), "failed"),
        ((wrong(1),), "review"),
        ((wrong(1),), "good"),
    ],
)
def test_other_replies_of_a_bad_case_and_cases_that_are_none_say_nothing(claims: Any, label: str) -> None:
    assert bad(*claims, label=label) == []


def test_both_have_the_same_columns_and_a_name_is_given_once() -> None:
    talk = conversations("a", messages=TALK)
    again = pl.concat([talk, talk.with_columns(dt=pl.date(2026, 3, 3))])
    labels = cases(a_case("bad", "a"), a_case("bad", "a") | {"dt": again["dt"][1]})
    found = claim("hallucination", "major", 5)
    twice = bad_replies(labels, again, inspections(found, found | {"dt": again["dt"][1]}))
    assert twice.select("dt", "reply_id").rows() == [(DAY, "a#5")]
    assert tuple(twice.columns) == COLUMNS
    assert twice.schema == good_replies(sft_rows(cases(a_case("good", "a")), talk, "c1")).schema

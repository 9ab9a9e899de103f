"""Replies with labels for KTO: what ended a Good Case, and what was said where a Bad Case went wrong."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.training.labelled import labelled_replies
from wow_flywheel.training.rows import read_labelled
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, conversations, inspections
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

GOOD = [user("Refund order 7."), call("refund", order=7), tool(ok=True), agent("Done: it arrives in 3 days."), user("Thanks.")]
BAD = [user("Refund order 31."), agent("You get 45."), user("Why 45?"), agent("Because.")]


def labelled(*claims: dict[str, Any], bad: str = "bad") -> list[dict[str, Any]]:
    talks = pl.concat([conversations("a", messages=GOOD), conversations("b", messages=BAD)])
    return labelled_replies(cases(a_case("good", "a"), a_case(bad, "b")), talks, inspections(*claims))


def test_a_good_case_gives_its_last_reply_and_a_bad_one_what_was_said_where_it_went_wrong() -> None:
    good, bad = labelled(claim("hallucination", "major", 1, conversation_id="b"))
    assert (good["conversation_id"], good["label"], good["issue_type"]) == ("a", True, "")
    assert good["completion"][0]["content"] == DialogueAction(reply="Done: it arrives in 3 days.").to_json()
    assert [message["role"] for message in good["prompt"]] == ["user", "assistant", "tool"]
    assert (bad["conversation_id"], bad["label"], bad["issue_type"]) == ("b", False, "hallucination")
    assert bad["completion"][0]["content"] == DialogueAction(reply="You get 45.").to_json()
    assert [message["content"] for message in bad["prompt"]] == ["Refund order 31."]


def test_other_replies_of_a_bad_case_and_cases_that_are_neither_say_nothing() -> None:
    assert [row["conversation_id"] for row in labelled()] == ["a"]
    assert [row["conversation_id"] for row in labelled(claim("hallucination", "major", 1, "rejected", "b"))] == ["a"]
    for label in ("failed", "review"):
        assert [row["label"] for row in labelled(claim("hallucination", "major", 1, conversation_id="b"), bad=label)] == [True]


def test_a_good_case_in_which_no_customer_spoke_before_the_reply_gives_none() -> None:
    talk = conversations("a", messages=[agent("Hello!"), user("Bye.")])
    assert labelled_replies(cases(a_case("good", "a")), talk, inspections()) == []


def test_the_trainer_reads_the_file_that_the_rows_make(tmp_path: Path) -> None:
    rows = labelled(claim("hallucination", "major", 1, conversation_id="b"))
    file = tmp_path / "replies.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert [reply.good for reply in read_labelled(file)] == [True, False]

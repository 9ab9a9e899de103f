"""What a reply says against what is written: forbidden promises, knowledge with another number, deeds of another kind."""

import polars as pl
import pytest

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.run import Inspection, inspect
from wow_flywheel.policies.apply import Applied
from wow_flywheel.policies.units import parse_unit
from wow_flywheel_tests.unit.inspection import talk
from wow_flywheel_tests.unit.inspection.talk import accepted, agent, call, run, tool, user


def promised(reply: str, *forbidden: str, applies: bool = True) -> list[tuple[str, int]]:
    """Accepted claims about a reply, under a policy that forbids something."""
    unit = parse_unit({"text": "", "forbidden_promises": list(forbidden)}, "refund", "refund.yaml")
    done: Inspection = inspect(
        talk.day([user("I want my money."), agent(reply)]),
        rule_findings=pl.DataFrame(schema=talk.RULE_FINDINGS.columns),
        satisfaction=pl.DataFrame(schema=talk.SATISFACTION.columns),
        knowledge=pl.DataFrame(schema=talk.KNOWLEDGE),
        procedures=pl.DataFrame(schema=talk.PROCEDURES),
        applied={"talk-0": Applied("refund", (unit,) if applies else ())},
    )
    return accepted(done)


@pytest.mark.parametrize(
    ("reply", "forbidden"),
    [
        ("Sure. You will get your refund on the same day!", "a refund on the same day"),
        ("As an exception I am waiving all the fees.", "waive a fee"),
        ("I promise a discount of 20 % on it.", "a discount of 20 %"),
        ("我破例给您免掉所有费用。", "免掉费用"),
    ],
)
def test_a_forbidden_promise_is_found_in_other_words(reply: str, forbidden: str) -> None:
    assert promised(reply, forbidden) == [("policy_violation", 1)]
    assert promised(reply, forbidden, applies=False) == [], "a policy that did not apply forbids nothing"


@pytest.mark.parametrize(
    ("reply", "forbidden"),
    [
        ("We cannot refund you on the same day.", "a refund on the same day"),
        ("I'm afraid a refund isn't possible on the same day.", "a refund on the same day"),
        ("Did they promise a refund on the same day?", "a refund on the same day"),
        ("Your refund takes three days.", "a refund on the same day"),
        ("Your discount is 10 %.", "a discount of 20 %"),
        ("这笔费用不能免掉。", "免掉费用"),
        ("需要给您免掉费用吗？", "免掉费用"),
    ],
)
def test_what_is_denied_asked_or_something_else_is_no_promise(reply: str, forbidden: str) -> None:
    assert promised(reply, forbidden) == []


UNIT = "A refund arrives in 3 days on your card. A late delivery earns a voucher of 8 dollars."


def told(*messages: Message) -> list[str]:
    rows = run(list(messages), knowledge=[UNIT]).inspections.filter(pl.col("decision") == "accepted")
    return rows.filter(pl.col("issue_type") == "knowledge_misuse")["inspector"].to_list()


def test_knowledge_told_with_another_number_is_found() -> None:
    assert told(user("When?"), agent("The refund will arrive on your card in 7 days.")) == ["knowledge_number"]
    assert told(user("When?"), agent("Hello. A late delivery earns a voucher of 9 dollars.")) == ["knowledge_number"]


@pytest.mark.parametrize(
    "messages",
    [
        [user("When?"), agent("The refund will arrive on your card in 3 days.")],
        [user("When?"), agent("The refund will arrive on your card in three days.")],
        [user("When?"), call("refund", order=1), tool(days=7), agent("The refund will arrive on your card in 7 days.")],
        [user("I was told 7 days."), agent("The refund will arrive on your card in 7 days.")],
        [user("When?"), agent("The rider will arrive in 7 days.")],
        [user("Two orders!"), agent("A late delivery earns a voucher of 16 dollars for 2 orders.")],
    ],
)
def test_a_number_that_is_right_or_given_or_of_something_else_contradicts_nothing(messages: list[Message]) -> None:
    assert told(*messages) == []


def deed(claim: str, tool_name: str) -> list[tuple[str, int]]:
    return accepted(run([user("Please."), call(tool_name, order=7), tool(ok=True), agent(claim)]))


def test_a_deed_is_not_proven_by_a_call_of_another_kind() -> None:
    assert deed("I have refunded you.", "book_table") == [("action_mismatch", 3)]
    assert deed("I have booked it. I have also cancelled your other table.", "book_table") == [("action_mismatch", 3)]
    assert deed("I have refunded you.", "refund_order") == []
    assert deed("I have cancelled it.", "refund_order") == []
    assert deed("The difference has been refunded.", "update_reservation") == [], "a change may refund a difference"
    assert deed("I have sent you a mail.", "book_table") == [], "a mail may have no call of its own"

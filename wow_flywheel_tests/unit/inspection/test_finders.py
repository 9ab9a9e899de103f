"""What inspectors find without any rule, and what they let pass."""

import polars as pl
import pytest

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.finders import similarity
from wow_flywheel_tests.unit.inspection.talk import accepted, agent, call, finding, run, tool, user

REFUND = [user("Refund order 7."), call("refund_order", order=7), tool(ok=True, amount=58)]
REPLY = "Your money arrives within some days."


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([*REFUND, agent("You get 45 dollars.")], [("hallucination", 3)]),
        ([*REFUND, agent("您会收到四十五元。")], [("hallucination", 3)]),
        ([*REFUND, agent("You get 58 dollars.")], []),
        ([user("hi"), agent("You get 45 dollars.")], []),
        ([user("Refund my order."), call("refund", order=147)], [("unclarified_demand", 1)]),
        ([user("Refund order 147."), call("refund", order=147)], []),
        ([user("when?"), agent(REPLY), user("which card?"), agent(REPLY)], [("script_repetition", 3)]),
        ([user("when?"), agent(REPLY), user("好的，哪张卡？"), agent(f"{REPLY}?")], [("script_repetition", 3)]),
        ([user("when?"), agent(REPLY), user("Fine."), agent("You are welcome, have a nice day.")], []),
        ([user("hi"), agent("Anything else for you?"), user("what?"), agent("Anything else for you?")], []),
        ([user("Cancel."), call("cancel_order"), tool(ok=False), agent("I have cancelled it.")], [("action_mismatch", 3)]),
        ([user("Cancel."), call("cancel_order"), tool(ok=True), agent("I have cancelled it.")], []),
        (
            [user("Where does the money go?"), agent("Soon."), user("So where does the money go?")],
            [("incomplete_solution", 1)],
        ),
        ([user("钱退到哪张卡上？"), agent("很快。"), user("钱退到哪张卡上呢？")], [("incomplete_solution", 1)]),
        ([user("Where does the money go?"), agent("To the card."), user("When does the parcel come?")], []),
        ([user("Where does the money go?"), user("Where does the money go?")], []),
    ],
)
def test_a_planted_defect_is_found_and_its_look_alike_is_not(messages: list[Message], expected: list[tuple[str, int]]) -> None:
    assert accepted(run(messages)) == expected


def test_a_finders_claim_quotes_its_turn_and_says_who_made_it() -> None:
    row = run([*REFUND, agent("You get 45 dollars.")]).inspections.row(0, named=True)
    assert (row["inspector"], row["kind"], row["severity"], row["quote"]) == (
        "number_grounding",
        "deterministic",
        "major",
        "45",
    )
    assert row["confidence"] == pytest.approx(0.9)
    assert row["decision_reason"] == "no user turn, tool result, call or knowledge unit gives 45"


def test_what_a_rule_found_already_is_not_claimed_twice() -> None:
    found = [finding("ungrounded_number", "hallucination", 3, "45")]
    inspected = run([*REFUND, agent("You get 45 dollars.")], findings=found).inspections
    assert inspected["inspector"].to_list() == ["evidence/ungrounded_number"]


def test_a_finder_still_speaks_where_the_rules_finding_was_rejected() -> None:
    found = [finding("ungrounded_number", "hallucination", 3, "99")]
    inspected = run([*REFUND, agent("You get 45 dollars.")], findings=found).inspections
    decisions = dict(inspected.select("inspector", "decision").iter_rows())
    assert decisions == {"evidence/ungrounded_number": "rejected", "number_grounding": "accepted"}


def test_one_claim_for_each_turn_issue_and_inspector_the_accepted_one_first() -> None:
    found = [finding("ungrounded_number", "hallucination", 3, quote) for quote in ("99", "45", "5 dollars")]
    inspected = run([*REFUND, agent("You get 45 dollars.")], findings=found).inspections
    assert inspected.select("quote", "decision").rows() == [("45", "accepted")]


def test_two_issues_at_one_turn_are_two_claims() -> None:
    reply = "You get 45 dollars, which will come soon."
    messages = [*REFUND, agent(reply), user("Which card?"), agent(reply)]
    inspected = run(messages).inspections.filter(pl.col("turn") == 5)
    assert sorted(inspected["issue_type"].to_list()) == ["hallucination", "script_repetition"]


def test_similarity_compares_content_words() -> None:
    assert similarity("Where does the money go?", "the money: where does it go") == pytest.approx(1.0)
    assert similarity("money card", "money wallet") == pytest.approx(1 / 3)
    assert similarity("退到哪张卡", "退到哪张卡呢") == pytest.approx(0.8)
    assert similarity("money", "money") == 0.0

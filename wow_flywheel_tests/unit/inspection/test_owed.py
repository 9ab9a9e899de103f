"""What a turn owes, by hand; replies that say nothing wrong and nothing at all do none of it, in English and Chinese."""

import polars as pl
import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.inspection.met import Owed, met
from wow_flywheel.inspection.owed import owed
from wow_flywheel.inspection.transcript import KnowledgeIndex
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, agent, call, tool, user

NOTHING_KNOWN = KnowledgeIndex.of(pl.DataFrame(schema=KNOWLEDGE))
REFUNDS = KnowledgeIndex.of(
    pl.DataFrame({"unit_id": ["r"], "title": ["Refunds"], "content": ["It is on your card within five working days."]})
)
STEPS: list[dict[str, str | None]] = [
    {"reply_id": "ask", "text": "Could you tell me the order number?", "next_reply_id": "refund_order"},
    {"reply_id": "refund_order", "text": None, "next_reply_id": "close"},
    {"reply_id": "close", "text": "You get {amount} dollars.", "next_reply_id": "bye"},
    {"reply_id": "bye", "text": "Thank you for shopping with us.", "next_reply_id": None},
]
PRICE = [user("How much is order 31?"), call("find", order=31), tool(order=31, price=58, rider="Lin")]
RIDER = [*PRICE, agent("It costs 58 dollars."), user("And who brings it to me?")]
MISSING = [user("I want my money back, the soup was cold.")]
GIVEN = [agent("Okay."), user("It is order 31."), call("refund_order", order=31), tool(ok=True, amount=58)]
ASKED = [user("I want my money back."), agent("Could you tell me the order number?"), user("31")]
DONE = [call("refund_order", order=31), tool(ok=True, amount=58, days=3)]
CHINESE = [user("订单31多少钱？"), call("find", order=31), tool(order=31, price=58, rider="小林")]
NOTHING = ("Okay.", "I am sorry. Bananas are yellow.", "Please hold the line.", "Hmm.", "好的。", "很抱歉。香蕉是黄色的。")


def at(prompt: list[Message], rest: list[Message] | None = None, index: KnowledgeIndex = NOTHING_KNOWN) -> Owed:
    found = owed([*prompt, *(rest or [agent("wrong")])], len(prompt), index, STEPS)
    assert found is not None
    return found


def does(found: Owed, reply: str | None = None, action: Action | None = None) -> bool:
    return met(found, DialogueAction(reply=reply, action=action)) is None


@pytest.mark.parametrize(
    ("prompt", "rest"), [(PRICE, None), (RIDER, None), (MISSING, GIVEN), (ASKED, [agent("?"), *DONE]), (CHINESE, None)]
)
def test_replies_that_answer_nothing_do_nothing_of_what_is_owed(prompt: list[Message], rest: list[Message] | None) -> None:
    before = [message["content"] for message in prompt if message.get("content") and message["role"] != "tool"]
    for reply in (*NOTHING, *before):
        assert not does(at(prompt, rest), reply), reply


def test_a_result_that_has_just_come_is_to_be_told() -> None:
    assert at(PRICE).facts == (("price", "58"),)
    assert does(at(PRICE), "It costs 58 dollars.")
    assert not does(at(PRICE), "It is order 31.")
    assert at(CHINESE).facts == (("price", "58"),)
    assert does(at(CHINESE), "一共58元。")
    assert not does(at(CHINESE), "一共31元。")


def test_a_question_is_answered_by_the_fact_that_it_is_after_and_nobody_has_told() -> None:
    assert at(RIDER).facts == (("rider", "Lin"),)
    assert does(at(RIDER), "Lin brings it.")
    assert not does(at(RIDER), "It costs 58 dollars.")
    named = [*DONE, agent("You get 58 dollars."), user("After how many days?")]
    assert at([*ASKED, *named]).facts == (("days", "3"),)


def test_one_of_two_answers_that_the_customer_offers_is_an_answer() -> None:
    paid = [user("Refund 31."), call("refund_order", order=31), tool(ok=True, method="wallet"), agent("Done, it is refunded.")]
    asked = at([*paid, user("Do I get it on my card or in my wallet?")])
    assert does(asked, "It goes to your wallet.")
    assert not does(asked, "Do I get it on my card or in my wallet?")
    assert not does(asked, "It goes to your card.")


def test_what_the_solution_needed_and_nobody_had_given_is_to_be_asked() -> None:
    found = at(MISSING, GIVEN)
    assert not found.calls
    assert "order" in found.asks
    assert does(found, "Which order is it, please?")
    assert does(found, "Please tell me the number.")
    assert not does(found, "Which soup was it?")
    assert not does(found, action=Action(name="refund_order", arguments={"order": 77}))


def test_what_the_solution_did_with_what_was_given_is_to_be_done() -> None:
    found = at(ASKED, [agent("Anything else?"), user("Refund it!"), *DONE])
    assert does(found, action=Action(name="refund_order", arguments={"order": "31"}))
    assert not does(found, action=Action(name="cancel_order", arguments={"order": 31}))
    assert not does(found, "I will refund order 31.")


def test_the_procedure_names_the_next_call_and_the_values_to_tell() -> None:
    assert at(ASKED).calls == {("refund_order", None)}
    assert does(at(ASKED), action=Action(name="refund_order", arguments={"order": 31}))
    assert at([*ASKED, *DONE]).facts == (("amount", "58"),)
    assert does(at([*ASKED, *DONE]), "58 dollars are on their way.")
    assert not does(at([*ASKED, *DONE]), "It takes 3 days.")
    assert not does(at([*ASKED, *DONE]), "It is done.")


def test_a_question_about_knowledge_is_answered_in_its_words() -> None:
    found = at([user("When is the refund on my card?")], None, REFUNDS)
    assert does(found, "Within five working days.")
    assert not does(found, "The refund is on your card.")


def test_a_failed_call_is_to_be_admitted() -> None:
    found = at([user("Refund order 99."), call("refund_order", order=99), tool(ok=False, error="order not found")])
    assert does(found, "I can not find that order.")
    assert not does(found, "Okay, that is refunded.")


def test_the_same_need_is_answered_by_what_the_log_said_when_asked_again() -> None:
    rest = [agent("Yes."), user("That is not what I asked!"), agent("Our shop opens on Sunday at the old harbour.")]
    found = at([user("I would like to come on the weekend.")], rest)
    assert does(found, "The shop is open on Sunday.")
    assert not does(found, "Thank you for coming to us.")


def test_a_goodbye_is_owed_to_a_customer_who_leaves() -> None:
    found = at([*PRICE, agent("It costs 58 dollars."), user("Thank you.")])
    assert does(found, "You are welcome. Have a nice day.")
    assert not does(found, "Okay.")


def test_replies_known_to_be_right_are_owed_too() -> None:
    prompt, right = [user("Hello there")], DialogueAction(reply="Welcome to the harbour museum, what may I show you?")
    assert owed([*prompt, agent("wrong")], 1, NOTHING_KNOWN, []) is None
    found = owed([*prompt, agent("wrong")], 1, NOTHING_KNOWN, [], [right])
    assert found is not None
    assert does(found, "Which part of the museum shall I show you?")
    assert not does(found, "Okay.")


def test_without_evidence_nobody_says_what_is_owed() -> None:
    assert owed([user("I like trains."), agent("Okay.")], 1, NOTHING_KNOWN, []) is None
    assert owed([agent("Hello.")], 0, NOTHING_KNOWN, STEPS) is None


def test_the_reason_names_all_that_would_do() -> None:
    assert met(at(PRICE), DialogueAction(reply="Okay.")) == "does nothing of what the turn owes: tell price (58)"

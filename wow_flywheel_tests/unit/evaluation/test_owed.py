"""What a turn owed, read from a right output, and which replies give it: every expectation written by hand."""

import datetime as dt

import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.evaluation.owed import Owed, owed_by, step_owed
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

TEXTS = {"ask": "Which order is it?", "close": "I have refunded order {order}.", "bye": "Have a nice day.", "refund": None}


def say(reply: str) -> DialogueAction:
    return DialogueAction(reply=reply)


def do(name: str, **arguments: object) -> DialogueAction:
    return DialogueAction(action=Action(name=name, arguments=arguments))


def at(*prompt: Message) -> Site:
    return Site(dt.date(2026, 3, 2), "c", "u", "refund", len(prompt), "hallucination", prompt, say("Hm."))


def owed(site: Site, right: DialogueAction, known: tuple[str, ...] = ()) -> Owed:
    found = owed_by(site, right, "log", known)
    assert found is not None
    return found


ASKED = at(user("Refund 31."), call("refund", order=31), tool(ok=True, amount=58, days=3, method="wallet"),
           agent("I refunded 58 dollars."), user("Do I get it on my card or in my wallet?"))  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "met"),
    [
        ("You get it on your wallet.", True),
        ("Sorry! To your Wallet, in three days.", True),
        ("Okay.", False),
        ("I am sorry about that.", False),
        ("Do I get it on my card or in my wallet?", False),
        ("I refunded 58 dollars.", False),
        ("It does not go to your wallet.", False),
        ("It goes to your card.", False),
        ("Is it your wallet?", False),
    ],
)
def test_a_fact_is_owed_that_nobody_had_told_and_only_a_statement_gives_it(reply: str, met: bool) -> None:
    found = owed(ASKED, say("You get 58 dollars on your wallet."))
    assert (found.kind, found.facts, found.text) == ("facts", ("wallet",), "state wallet")
    assert found.unmet(say(reply)) == (None if met else "does not do what was owed: state wallet")


def test_all_facts_are_owed_and_numbers_of_the_knowledge_are_facts_too() -> None:
    found = owed(ASKED, say("In 3 days, on your wallet, for a fee of 9 dollars."), ("9",))
    assert set(found.facts) == {"3", "wallet", "9"}
    assert found.unmet(say("In 3 days, on your wallet.")) is not None
    assert found.unmet(say("3 days. The wallet. 9 dollars.")) is None


def test_a_number_that_stands_nowhere_is_not_owed() -> None:
    assert owed_by(ASKED, say("It takes 77 minutes."), "log") is None


def test_a_question_is_owed_by_what_it_asks_about() -> None:
    found = owed(at(user("Where is my soup?")), say("Sorry. Could you tell me the order number?"))
    assert (found.kind, found.words) == ("question", {"order", "number"})
    given = ["Which order number is it, please?", "What is the number?"]
    missed = ["Where is my soup?", "Could you tell me more, please?", "Your order number is 5.", "Okay.", "Is it the soup?"]
    assert [found.unmet(say(reply)) is None for reply in (*given, *missed)] == [True] * 2 + [False] * 5
    acting = DialogueAction(reply="What is the number?", action=Action(name="track", arguments={"order": 5}))
    assert found.unmet(acting) is not None


def test_a_question_in_the_customers_own_words_owes_nothing() -> None:
    assert owed_by(at(user("Is my soup late?")), say("Is your soup late?"), "log") is None


def test_a_call_is_owed_with_its_arguments_if_these_had_been_said() -> None:
    site = at(user("Please refund order 31."))
    found = owed(site, do("refund", order=31))
    assert found.text == 'call refund with {"order": 31}'
    replies = [do("refund", order=31), do("refund", order=32), do("cancel", order=31), say("I have refunded order 31.")]
    assert [found.unmet(each) is None for each in replies] == [True, False, False, False]
    assert owed_by(site, do("refund", order=44), "log") is None, "44 was a guess"


def test_a_step_is_owed_by_its_template_and_not_by_another_step() -> None:
    found = step_owed("close", TEXTS)
    assert found is not None
    replies = [say("I have refunded order 31."), say("Order 31 is refunded."), say("Have a nice day."), say("Okay.")]
    assert [found.unmet(each) is None for each in replies] == [True, True, False, False]
    assert [step_owed(step, TEXTS) for step in ("refund", None, "unknown")] == [None, None, None]


def test_chinese_facts_and_questions() -> None:
    site = at(user("我的订单在哪里？"), call("find", order=1), tool(ok=True, city="上海", days=4))
    assert owed(site, say("您的订单在上海。")).unmet(say("现在到了上海。")) is None
    assert owed(site, say("您的订单在上海。")).unmet(say("好的。")) is not None
    asked = owed(at(user("我要退款。")), say("请问您的手机号码是多少？"))
    assert asked.unmet(say("您的手机号码是什么？")) is None
    assert asked.unmet(say("抱歉。")) is not None

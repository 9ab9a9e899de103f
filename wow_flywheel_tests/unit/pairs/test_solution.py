"""What a rewrite must not lose: the action that solved the demand, and the facts that the tools gave."""

import datetime as dt

import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message, assistant_actions
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.solution import facts, lost
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user


def site(talk: list[Message], turn: int, issue: str = "poor_empathy") -> Site:
    said = assistant_actions(talk[turn])[0]
    return Site(dt.date(2026, 3, 2), "bad", "u", "refund", turn, issue, tuple(talk[:turn]), said, rest=tuple(talk[turn:]))


def say(reply: str) -> DialogueAction:
    return DialogueAction(reply=reply)


def do(name: str, **arguments: object) -> DialogueAction:
    return DialogueAction(action=Action(name=name, arguments=arguments))


LOOKED_UP = [user("Where is 31?"), call("find", order=31), tool(order=31, city="Porto", days=4), agent("31 is in Porto, wait.")]
REFUNDED = [user("Refund 31."), call("refund", order=31), tool(ok=True), agent("Done.")]
LATER = [user("Refund it."), agent("Which?"), user("31"), call("refund", order=31), tool(ok=True), agent("Done.")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Sorry! 31 is in Porto.", None),
        ("Sorry! It is in Porto.", "loses what the tools had told: 31"),
        ("I am so sorry.", "loses what the tools had told: 31, Porto"),
    ],
)
def test_the_facts_that_were_told_are_told_still(reply: str, reason: str | None) -> None:
    assert lost(site(LOOKED_UP, 3), say(reply)) == reason


def test_what_had_been_told_before_need_not_be_told_again() -> None:
    assert lost(site(LOOKED_UP, 3, "script_repetition"), say("It takes 4 days.")) is None


def test_the_call_that_solved_it_is_kept() -> None:
    assert lost(site(REFUNDED, 1), say("One moment.")) == "loses refund, by which the demand was solved"
    polite = DialogueAction(reply="Sorry!", action=Action(name="refund", arguments={"order": "31"}))
    assert lost(site(REFUNDED, 1), polite) is None
    assert lost(site(REFUNDED, 1, "unclarified_demand"), say("Which order is it?")) is None


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (do("refund", order=31), None),
        (do("refund", order=77), "calls refund with other arguments than the solution"),
        (do("cancel", order=31), "calls cancel, which the solution did not"),
        (do("find", order=77), None),
    ],
)
def test_only_what_the_solution_changed_may_be_changed(output: DialogueAction, reason: str | None) -> None:
    assert lost(site(LATER, 1), output) == reason


def test_what_had_worked_is_not_done_twice() -> None:
    assert lost(site(REFUNDED, 3), do("refund", order=31)) == "does refund again, which had worked before"


@pytest.mark.parametrize(
    ("words", "reply", "closes"),
    [
        ("When?", "You are welcome. Have a nice day.", True),
        ("That does not help me.", "Glad to help. Goodbye.", True),
        ("When?", "It comes in 4 days. Anything else?", False),
        ("Thanks.", "You are welcome.", False),
        ("什么时候？", "不客气，祝您愉快。", True),
        ("什么时候？", "四天之内会到您家。还有什么需要？", False),
    ],
)
def test_a_goodbye_is_no_answer(words: str, reply: str, closes: bool) -> None:
    found = lost(site([user(words), agent("Hm.")], 1), say(reply))
    assert found == ("says goodbye while the customer's question is open" if closes else None)


def test_facts_are_numbers_and_words_of_results_and_no_flags() -> None:
    results = [tool(ok=True, order=31, city="Porto", x="no"), {"role": "tool", "content": "text 9", "tool_call_id": "c"}]
    assert facts(results) == ["31", "Porto"]

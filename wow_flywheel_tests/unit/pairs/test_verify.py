"""Re-inspection of rewrites: the conversation as far as the rewrite, inspected as any other; what it finds there decides."""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl
import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message, assistant_actions
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.verify import Standards, Verifier, as_message
from wow_flywheel.policies.apply import Applied
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.overrides import Overrides
from wow_flywheel_tests.unit.inspection.talk import PROCEDURES, agent, call, day, tool, user
from wow_flywheel_tests.unit.rules.talk import units

PRICE: list[Message] = [user("How much is order 31?"), call("find", order=31), tool(order=31, price=58), agent("It costs 45.")]
LATE: list[Message] = [user("This is the worst service ever. Where is order 31?"), agent("Wait.")]
LOOP: list[Message] = [user("Where is it?"), agent("Which order do you mean?"), user("Order 31, I said!"), agent("It is 45.")]


def say(reply: str) -> DialogueAction:
    return DialogueAction(reply=reply)


def do(name: str, **arguments: object) -> DialogueAction:
    return DialogueAction(action=Action(name=name, arguments=arguments))


def site(talk: list[Message], turn: int, issue: str = "hallucination", place: int = 0) -> Site:
    """The site at a turn of the conversation `talk-<place>` of the day."""
    said = assistant_actions(talk[turn])[0]
    return Site(day(talk)["dt"][0], f"talk-{place}", "u", "refund", turn, issue, tuple(talk[:turn]), said)


def verifier(*talks: list[Message], knowledge: Iterable[str] = ()) -> Verifier:
    return Verifier(day(*talks), units(knowledge), pl.DataFrame(schema=PROCEDURES))


def verdicts(talk: list[Message], *tried: tuple[Site, DialogueAction], knowledge: Iterable[str] = ()) -> list[str | None]:
    rewrites = [(where, Candidate(output, "good_case", "g")) for where, output in tried]
    return verifier(talk, knowledge=knowledge).verdicts(rewrites)


def verdict(talk: list[Message], output: DialogueAction, issue: str = "hallucination", **more: Iterable[str]) -> str | None:
    """The verdict on a rewrite of the conversation's last turn."""
    return verdicts(talk, (site(talk, len(talk) - 1, issue), output), **more)[0]


@pytest.mark.parametrize("reply", ["It costs 58.", "Order 31 costs 58.", "It is 58 dollars.", "I do not know."])
def test_a_reply_that_the_results_bear_out_passes(reply: str) -> None:
    assert verdict(PRICE, say(reply)) is None


@pytest.mark.parametrize("reply", ["It costs 45.", "It costs 77.", "Order 31 costs 58 and the fee is 12."])
def test_a_number_that_nobody_gave_is_the_same_issue_still(reply: str) -> None:
    assert verdict(PRICE, say(reply)) == "re-inspection still finds hallucination"


@pytest.mark.parametrize(
    ("talk", "output", "new"),
    [
        pytest.param(PRICE, say("Calm down, it costs 58."), "poor_empathy", id="blames"),
        pytest.param(PRICE, do("refund", order=7777), "unclarified_demand", id="guesses an argument"),
        pytest.param([*PRICE[:2], tool(ok=False), PRICE[3]], say("I have cancelled it."), "action_mismatch", id="claims"),
        pytest.param(LOOP, say("Which order do you mean?"), "script_repetition", id="repeats itself"),
        pytest.param(LATE, say("I need the number of the order."), "poor_empathy", id="is cold"),
    ],
)  # fmt: skip
def test_another_issue_than_before_is_a_new_one(talk: list[Message], output: DialogueAction, new: str) -> None:
    assert verdict(talk, output) == f"re-inspection finds a new {new}"


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        ("hallucination", "re-inspection still finds hallucination"),
        ("poor_empathy", "re-inspection still finds poor_empathy"),
    ],
)
def test_the_old_issue_is_named_before_a_new_one(issue: str, reason: str) -> None:
    assert verdict(PRICE, say("Calm down, it costs 77."), issue) == reason


@pytest.mark.parametrize(
    ("talk", "output"),
    [
        pytest.param(LATE, say("I am sorry about that. One moment."), id="says sorry"),
        pytest.param(LATE, do("track", order=31), id="acts on the order that was named"),
        pytest.param(LOOP, do("track", order=31), id="acts instead of asking"),
        pytest.param(LOOP, say("Order 31 is on its way."), id="answers"),
    ],
)
def test_a_rewrite_without_an_issue_passes(talk: list[Message], output: DialogueAction) -> None:
    assert verdict(talk, output, "script_repetition") is None


def test_a_reply_said_while_acting_is_inspected_as_well() -> None:
    both = DialogueAction(reply="It costs 77.", action=Action(name="find", arguments={"order": 31}))
    assert verdict(PRICE, both) == "re-inspection still finds hallucination"


def test_what_only_the_knowledge_base_says_is_grounded() -> None:
    assert verdict(PRICE, say("It costs 58, and shipping 12.")) == "re-inspection still finds hallucination"
    assert verdict(PRICE, say("It costs 58, and shipping 12."), knowledge=["Shipping costs 12."]) is None


def test_chinese_rewrites_are_judged_alike() -> None:
    talk = [user("订单31多少钱？"), call("查询", 订单=31), tool(订单=31, 价格=58), agent("价格是 45 元。")]
    assert verdict(talk, say("价格是 58 元。")) is None
    assert verdict(talk, say("价格是 77 元。")) == "re-inspection still finds hallucination"
    assert verdict(talk, say("价格是 58 元，这是你自己的问题。")) == "re-inspection finds a new poor_empathy"


def test_what_went_wrong_before_the_turn_does_not_count_against_the_rewrite() -> None:
    talk = [*PRICE, user("Are you sure?"), agent("Sure, it is 45.")]
    assert verdict(talk, say("It costs 58.")) is None


def test_what_came_after_the_turn_is_not_seen() -> None:
    """The customer's words about the old reply say nothing about the new one, and a later result grounds nothing."""
    angry = [*PRICE, user("That is not right, you are useless!"), agent("Bye.")]
    assert verdicts(angry, (site(angry, 3, "incomplete_solution"), say("It costs 58."))) == [None]
    later = [*PRICE, user("Again?"), call("find", "c2", order=31), tool("c2", price=77), agent("77.")]
    assert verdicts(later, (site(later, 3), say("It costs 77."))) == ["re-inspection still finds hallucination"]


def test_a_rules_suspicion_that_the_evidence_clears_does_not_count() -> None:
    """A refund that worked is not undone by a search that failed after it."""
    talk = [user("Refund 31."), call("refund", order=31), tool(ok=True), call("find", "c2"), tool("c2", ok=False), agent("?")]
    suspected = verifier([*talk[:5], agent("I have refunded it.")])
    assert find(suspected.conversations, suspected.knowledge, suspected.procedures)["rule_id"].to_list() == ["claimed_not_done"]
    assert verdict(talk, say("I have refunded it."), "action_mismatch") is None


def test_rewrites_of_one_conversation_do_not_touch_each_other() -> None:
    talk = [*PRICE, user("And with shipping?"), agent("It is 46.")]
    first, second = site(talk, 3), site(talk, 5)
    still = "re-inspection still finds hallucination"
    assert verdicts(talk, (first, say("It costs 58.")), (second, say("It costs 99."))) == [None, still]
    assert verdicts(talk, (first, say("It costs 99.")), (second, say("It costs 58."))) == [still, None]
    assert verdicts(talk, (second, say("It costs 58.")), (first, say("It costs 99."))) == [None, still]


def test_rewrites_of_many_conversations_keep_their_places() -> None:
    talks = [PRICE, LATE, LOOP, PRICE]
    where = [site(talk, len(talk) - 1, place=place) for place, talk in enumerate(talks)]
    replies = ["It costs 58.", "It is on its way.", "Which order do you mean?", "It costs 45."]
    tried = [(each, Candidate(say(reply), "good_case", "g")) for each, reply in zip(where, replies, strict=True)]
    reasons = [
        None,
        "re-inspection finds a new poor_empathy",
        "re-inspection finds a new script_repetition",
        "re-inspection still finds hallucination",
    ]
    assert verifier(*talks).verdicts(tried) == reasons
    assert verifier(*talks).verdicts(tried[::-1]) == reasons[::-1]
    assert verifier(*talks[::-1]).verdicts([]) == []


def test_the_bad_cases_own_turn_would_be_refused_again() -> None:
    assert verdict(PRICE, assistant_actions(PRICE[-1])[0]) == "re-inspection still finds hallucination"


def test_without_an_endpoint_pairs_say_that_rules_and_evidence_decided() -> None:
    assert verifier(PRICE).name == "rules+evidence"


@pytest.mark.parametrize(
    "output",
    [
        say("Good day."),
        do("find", order=31),
        DialogueAction(reply="一会儿。", action=Action(name="查询", arguments={"订单": "31", "数量": 2})),
    ],
)
def test_a_rewrite_becomes_the_message_that_would_have_been_logged(output: DialogueAction) -> None:
    message = as_message(output)
    assert message["role"] == "assistant"
    assert assistant_actions(message) == [output]
    assert verifier([user("Hi."), message]).conversations["messages"][0][1]["content"] == output.reply


def test_arguments_are_logged_as_text_that_people_can_read() -> None:
    calls = as_message(do("查询", 订单="三十一号"))["tool_calls"]
    assert calls == [{"id": "rewrite", "name": "查询", "arguments": '{"订单": "三十一号"}'}]


def test_a_rewrite_is_held_to_the_rules_as_the_team_set_them_for_its_recognised_scenario() -> None:
    off = Overrides({"prices": {"blaming": None}})
    tried = [(site(PRICE, 3), Candidate(say("Calm down, it costs 58."), "good_case", "g"))]
    for scenario, reason in (("prices", None), ("refund", "re-inspection finds a new poor_empathy")):
        standards = Standards({"talk-0": Applied(scenario, ())}, off)
        assert replace(verifier(PRICE), standards=standards).verdicts(tried) == [reason]

"""What could have been said instead: taken from Good Cases and procedures, with this conversation's values, never made up."""

import datetime as dt
from collections import Counter

import polars as pl

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.pairs.candidates import Candidate, GoodCases, heard, jaccard, procedure_candidates, sorted_out
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.inspection.talk import PROCEDURES, agent, call, day, tool, user


def site(*prompt: Message, said: str = "I do not know.") -> Site:
    return Site(dt.date(2026, 3, 2), "bad", "u", "refund", len(prompt), "hallucination", prompt, DialogueAction(reply=said))


def replies(candidates: list[Candidate]) -> list[tuple[str | None, str]]:
    return [(candidate.output.reply, candidate.source_conversation_id) for candidate in candidates]


def looked_up(order: int, days: int, reply: str) -> list[Message]:
    return [user(f"When does order {order} come?"), call("find", order=order), tool(order=order, days=days), agent(reply)]


def test_a_good_reply_moves_with_this_conversations_values() -> None:
    good = GoodCases.of(day(looked_up(1470, 31, "Order 1470 comes in 31 days.")))
    prompt = looked_up(52, 12, "")[:3]
    assert replies(good.candidates(site(*prompt))) == [("Order 52 comes in 12 days.", "talk-0")]


def test_a_reply_whose_values_are_not_established_here_is_no_candidate() -> None:
    good = GoodCases.of(day(looked_up(1470, 31, "Order 1470 comes in 31 days.")))
    unknown = [user("When does order 52 come?"), call("find", order=52), tool(days="", order=52)]
    assert good.candidates(site(*unknown)) == []


def test_a_reply_counts_only_at_the_same_point_of_the_same_scenario() -> None:
    good = GoodCases.of(day(looked_up(1470, 31, "It is on its way."), [user("When does order 5 come?"), agent("Which one?")]))
    after_result, at_once = looked_up(52, 12, "")[:3], [user("When does order 9 come?")]
    assert replies(good.candidates(site(*after_result))) == [("It is on its way.", "talk-0")]
    asked = [candidate.output for candidate in good.candidates(site(*at_once))]
    assert asked == [DialogueAction(reply="Which one?"), DialogueAction(action=Action(name="find", arguments={"order": 9}))]
    other = Site(dt.date(2026, 3, 2), "bad", "u", "hotel", 1, "hallucination", tuple(at_once), DialogueAction(reply="?"))
    assert good.candidates(other) == []


def test_what_was_said_more_often_comes_first_and_what_was_asked_differently_not_at_all() -> None:
    good = GoodCases.of(
        day(
            [user("Can I pay by card?"), agent("Yes.")],
            [user("Can I pay by card?"), agent("Yes, by any card.")],
            [user("Can I pay by card?"), agent("Yes, by any card.")],
            [user("Where is my parcel now?"), agent("In the post.")],
        )
    )
    assert replies(good.candidates(site(user("Can I pay by card?")))) == [
        ("Yes, by any card.", "talk-1"),
        ("Yes.", "talk-0"),
    ]


def test_chinese_needs_are_compared_by_pairs_of_characters() -> None:
    good = GoodCases.of(day([user("可以用银行卡付款吗？"), agent("可以。")]))
    assert replies(good.candidates(site(user("可以用银行卡付款吗")))) == [("可以。", "talk-0")]
    assert good.candidates(site(user("包裹在哪里？"))) == []


def procedure(*steps: tuple[str, str | None, str]) -> pl.DataFrame:
    identity = {"policy_id": "p", "scenario": "refund"}
    rows = [identity | {"reply_id": step, "text": text, "next_reply_id": after} for step, after, text in steps]
    return pl.DataFrame(rows, schema=PROCEDURES)


STEPS = procedure(
    ("ask", "tell", "Which order is it?"), ("tell", "bye", "It comes in {days} days."), ("bye", None, "Good bye.")
)


def test_the_procedures_next_step_is_a_candidate_with_its_values() -> None:
    prompt = [user("When?"), agent("Which order is it?"), user("Order 52."), tool(days=12)]
    assert procedure_candidates(site(*prompt), STEPS) == [
        Candidate(DialogueAction(reply="It comes in 12 days."), "procedure", "p#tell")
    ]


def test_a_step_is_recognised_by_the_logs_action_a_call_or_the_templates_text() -> None:
    logged: Message = {"role": "assistant", "content": "So?", "action": "tell"}
    assert replies(procedure_candidates(site(user("When?"), logged), STEPS)) == [("Good bye.", "p#bye")]
    called = [user("When?"), call("tell"), tool(ok=True)]
    assert replies(procedure_candidates(site(*called), STEPS)) == [("Good bye.", "p#bye")]
    templated = [user("When?"), agent("It comes in 12 days.")]
    assert replies(procedure_candidates(site(*templated), STEPS)) == [("Good bye.", "p#bye")]


def test_no_recognised_step_no_value_or_no_following_step_gives_no_candidate() -> None:
    assert procedure_candidates(site(user("When?"), agent("Hm.")), STEPS) == []
    assert procedure_candidates(site(user("When?"), agent("Which order is it?")), STEPS) == []
    assert procedure_candidates(site(user("When?"), agent("Good bye.")), STEPS) == []


def test_candidates_differ_from_each_other_and_from_what_was_said_and_are_few() -> None:
    options = [Candidate(DialogueAction(reply=text), "endpoint", "") for text in ("a", "b", "a", "c", "d", "e", "f", "g", "h")]
    kept = [each for each, stage, _ in sorted_out(options, DialogueAction(reply="b")) if not stage]
    assert [candidate.output.reply for candidate in kept] == ["a", "c", "d", "e", "f", "g"]


def test_numbers_do_not_tell_needs_apart() -> None:
    assert heard([user("Order 31, please")]) == heard([user("Order 8, please")])
    assert jaccard(frozenset(), frozenset()) == 1.0
    assert jaccard(frozenset("ab"), frozenset("bc")) == 1 / 3


def test_no_source_crowds_out_another_and_what_is_set_aside_says_why() -> None:
    def many(source: str, count: int) -> list[Candidate]:
        return [Candidate(DialogueAction(reply=f"{source} {i}"), source, "") for i in range(count)]

    options = [*many("endpoint", 3), *many("policy", 7), *many("good_case", 1), *many("procedure", 1), *many("endpoint", 1)]
    found = sorted_out([*options, Candidate(DialogueAction(), "endpoint", "", malformed="{")], DialogueAction(reply="x"))
    tried = Counter(each.source for each, stage, _ in found if not stage)
    assert tried == {"endpoint": 3, "policy": 6, "good_case": 1, "procedure": 1}
    assert Counter(stage for _, stage, _ in found if stage) == {"over the cap": 1, "same as another": 1, "malformed": 1}
    assert all(reason for _, stage, reason in found if stage)

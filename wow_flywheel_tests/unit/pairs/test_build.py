"""From Bad Cases to preference pairs: chosen passes re-inspection, rejected is what was said, and every attempt is kept."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import PREFERENCE_PAIRS, REWRITE_CANDIDATES
from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.pairs.build import Pairs, build_pairs
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, call, day, tool, user

UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)


def looked_up(order: int, price: int, reply: str) -> list[Message]:
    return [user(f"How much is order {order}?"), call("find", order=order), tool(order=order, price=price), agent(reply)]


def built(bad: list[Message], *good: list[Message], issue: str = "hallucination", turn: int = 3, **more: Any) -> Pairs:
    talks = day(bad)
    conversations = talks.with_columns(conversation_id=pl.lit("a"))
    pool = day(*good).with_columns(conversation_id="good-" + pl.col("conversation_id"))
    arguments = {"knowledge": UNITS, "procedures": STEPS} | more
    return build_pairs(cases(a_case("bad")), conversations, inspections(claim(issue, "major", turn)), pool, **arguments)


def test_a_bad_case_becomes_a_pair_at_the_turn_that_went_wrong() -> None:
    done = built(looked_up(31, 58, "It costs 45 dollars."), looked_up(7100, 99, "Order 7100 costs 99 dollars."))
    pair = done.pairs.row(0, named=True)
    assert DialogueAction.from_json(pair["chosen"]) == DialogueAction(reply="Order 31 costs 58 dollars.")
    assert DialogueAction.from_json(pair["rejected"]) == DialogueAction(reply="It costs 45 dollars.")
    assert [message["role"] for message in pair["prompt"]] == ["user", "assistant", "tool"]
    assert pair["prompt"][2]["content"] == '{"order": 31, "price": 58}'
    assert (pair["pair_id"], pair["turn"], pair["issue_type"], pair["user_id"]) == ("a#3", 3, "hallucination", "user-0")
    assert (pair["source"], pair["source_conversation_id"]) == ("good_case", "good-talk-0")
    assert pair["verified_by"] == "rules+evidence"
    assert done.counts == {
        "bad_cases": 1, "sites": 1, "sites_without_candidate": 0, "candidates": 1, "verified": 1, "left_out": 0, "pairs": 1,
        "endpoint_failures": 0,
    }  # fmt: skip


def test_a_candidate_with_the_same_issue_is_refused_and_the_next_one_tried() -> None:
    guesses = [looked_up(7100, 99, "It costs 77 dollars.")] * 2
    done = built(looked_up(31, 58, "It costs 45 dollars."), *guesses, looked_up(8200, 66, "Order 8200 costs 66 dollars."))
    assert done.candidates.select("candidate", "accepted", "reason").rows() == [
        (DialogueAction(reply="It costs 77 dollars.").to_json(), False, "re-inspection still finds hallucination"),
        (DialogueAction(reply="Order 31 costs 58 dollars.").to_json(), True, "passed re-inspection"),
    ]
    assert done.pairs.height == 1


def test_a_candidate_whose_issue_only_a_reader_could_clear_is_refused() -> None:
    done = built(looked_up(31, 58, "It costs 45 dollars."), looked_up(7100, 99, "In total it costs 77 dollars."))
    assert done.candidates["reason"].to_list() == ["re-inspection still finds hallucination"]
    assert done.pairs.is_empty()


def test_a_candidate_with_a_new_issue_is_refused() -> None:
    rude = looked_up(7100, 99, "Calm down, that is your own fault.")
    done = built(looked_up(31, 58, "It costs 45 dollars."), rude)
    assert done.candidates["reason"].to_list() == ["re-inspection finds a new poor_empathy"]
    assert done.pairs.is_empty()


def test_a_repeated_question_is_replaced_by_what_a_good_agent_did() -> None:
    loop = [user("How much is order 31?"), agent("Which order is it?"), user("Order 31!"), agent("Which order is it?")]
    good = [user("How much is order 7?"), agent("Which order is it?"), user("Order 7!"), call("find", order=7), tool(ok=True)]
    pair = built(loop, good, issue="script_repetition").pairs.row(0, named=True)
    assert pair["chosen"] == '{"knowledge":[],"reply":null,"action":{"name":"find","arguments":{"order":31}}}'
    assert pair["rejected"] == DialogueAction(reply="Which order is it?").to_json()


def test_what_was_said_is_never_chosen() -> None:
    same = looked_up(31, 58, "It costs 45 dollars.")
    done = built(same, same)
    assert done.candidates.select("accepted", "stage", "reason").rows() == [
        (False, "same as said", "it says and does what was said")
    ]
    assert (done.pairs.height, done.counts["sites_without_candidate"]) == (0, 1)


def test_chinese_bad_cases_become_pairs_too() -> None:
    def asked(order: str, price: int, reply: str) -> list[Message]:
        return [user(f"订单{order}多少钱？"), call("查询", 订单=order), tool(订单=order, 价格=price), agent(reply)]

    pair = built(asked("31", 58, "一共 45 元。"), asked("7100", 99, "一共 99 元。")).pairs.row(0, named=True)
    assert DialogueAction.from_json(pair["chosen"]) == DialogueAction(reply="一共 58 元。")


@pytest.mark.parametrize("bad", [[user("Hi."), agent("Hello.")], looked_up(31, 58, "It costs 58 dollars.")])
def test_without_a_pool_there_is_nothing_to_choose_and_nothing_is_made_up(bad: list[Message]) -> None:
    done = built(bad, turn=len(bad) - 1)
    assert (done.pairs.height, done.candidates.height) == (0, 0)


def test_pairs_fit_their_contracts_and_do_not_hang_on_the_order_of_the_input() -> None:
    bads = [looked_up(order, 58, "It costs 45 dollars.") for order in (31, 32, 33)]
    conversations = day(*bads)
    ids = conversations["conversation_id"].to_list()
    labelled = cases(*(a_case("bad", each) for each in ids))
    claims = inspections(*(claim("hallucination", "major", 3, conversation_id=each) for each in ids))
    goods = [looked_up(order, 60 + order % 7, f"Order {order} costs {60 + order % 7} dollars.") for order in range(7100, 7110)]
    pool = day(*goods).with_columns(conversation_id="good-" + pl.col("conversation_id"))

    def run(*, backwards: bool) -> Pairs:
        frames = (frame.reverse() if backwards else frame for frame in (labelled, conversations, claims, pool))
        return build_pairs(*frames, UNITS, STEPS)

    done, again = run(backwards=False), run(backwards=True)
    assert done.pairs["pair_id"].to_list() == ["talk-0#3", "talk-1#3", "talk-2#3"]
    assert again.pairs.select("pair_id", "chosen", "rejected").equals(done.pairs.select("pair_id", "chosen", "rejected"))
    assert PREFERENCE_PAIRS.conform(done.pairs).equals(done.pairs)
    assert REWRITE_CANDIDATES.conform(done.candidates).equals(done.candidates)


def test_a_day_without_bad_cases_gives_empty_tables_of_the_right_shape() -> None:
    empty = cases(a_case("good"))
    done = build_pairs(empty, day([user("Hi."), agent("Yes?")]), inspections(), day(), UNITS, STEPS)
    assert (done.pairs.height, done.candidates.height, done.counts["bad_cases"]) == (0, 0, 0)
    assert done.pairs.schema == pl.Schema(PREFERENCE_PAIRS.columns)

"""Each examination of a rule's finding: a planted defect is accepted, what only looks like one is not."""

import polars as pl
import pytest

from wow_flywheel.dialogue import Message
from wow_flywheel_tests.unit.inspection.talk import accepted, agent, call, finding, run, tool, user

REPLY = "Your money arrives within three days."


def decided(messages: list[Message], rule_id: str, issue_type: str, turn: int, quote: str, *knowledge: str) -> tuple[str, str]:
    """Decision and reason on one finding."""
    done = run(messages, findings=[finding(rule_id, issue_type, turn, quote)], knowledge=list(knowledge))
    row = done.inspections.filter(pl.col("inspector") == f"evidence/{rule_id}").row(0, named=True)
    return row["decision"], row["decision_reason"]


def decision(messages: list[Message], rule_id: str, issue_type: str, turn: int, quote: str, *knowledge: str) -> str:
    return decided(messages, rule_id, issue_type, turn, quote, *knowledge)[0]


@pytest.mark.parametrize(
    ("turn", "quote"), [(1, "I have refunded 99"), (0, "I have refunded 54"), (7, "hi"), (-1, "bye"), (1, "")]
)
def test_a_quote_that_is_not_in_its_turn_is_rejected(turn: int, quote: str) -> None:
    messages = [user("hi"), agent("I have refunded 54"), user("bye")]
    decided_, reason = decided(messages, "any_rule", "hallucination", turn, quote)
    assert (decided_, reason) == ("rejected", "quote not found in that turn")


@pytest.mark.parametrize(
    "between",
    [
        [user("Which card do I get it on?")],
        [user("That did not answer me.")],
        [user("我问的是哪张卡")],
        [user("到哪张卡？")],
        [user("That number is wrong. It is about order 132.")],
    ],
)
def test_a_reply_said_again_after_a_question_or_push_back_is_a_script(between: list[Message]) -> None:
    messages = [user("when?"), agent(REPLY), *between, agent(REPLY)]
    assert decision(messages, "repeated_reply", "script_repetition", 3, REPLY) == "accepted"


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ([user("Try the other one."), call("find_hotel"), tool(total_items=0)], "rejected"),
        ([], "rejected"),
        ([user("Okay, wait.")], "unresolved"),
    ],
)
def test_a_reply_said_again_for_a_reason_is_no_script(between: list[Message], expected: str) -> None:
    messages = [user("when?"), agent(REPLY), *between, agent(REPLY)]
    assert decision(messages, "repeated_reply", "script_repetition", len(messages) - 1, REPLY) == expected


def test_only_what_came_since_the_latest_time_excuses_a_repeat() -> None:
    searched = [user("when?"), agent(REPLY), user("Look again."), call("find"), tool(ok=True), agent(REPLY)]
    messages = [*searched, user("And which card?"), agent(REPLY)]
    outcome, reason = decided(messages, "repeated_reply", "script_repetition", 7, REPLY)
    assert outcome == "accepted"
    assert "the reply at turn 5" in reason


def test_a_reply_in_the_users_own_words_is_no_repeat_of_an_earlier_reply() -> None:
    messages = [user(REPLY), agent("Yes."), user("Really?"), agent(REPLY)]
    assert decision(messages, "repeated_reply", "script_repetition", 3, REPLY) == "unresolved"


def test_short_repeats_are_no_script() -> None:
    messages = [user("hi"), agent("Sure."), user("really?"), agent("Sure.")]
    assert decision(messages, "repeated_reply", "script_repetition", 3, "Sure.") == "rejected"


def test_nearly_the_same_words_need_a_push_back() -> None:
    messages = [user("when?"), agent(REPLY), user("Okay."), agent(f"{REPLY} Yes."), user("thanks")]
    assert decision(messages, "near_repeated_reply", "script_repetition", 3, REPLY) == "unresolved"
    messages[-1] = user("You did not listen.")
    assert decision(messages, "near_repeated_reply", "script_repetition", 3, REPLY) == "accepted"


@pytest.mark.parametrize("reply", ["You get 45 dollars.", "You get $45.50.", "退款45元。", "退款四十五元。"])
def test_a_number_that_nobody_gave_is_made_up(reply: str) -> None:
    messages = [user("Refund order 7."), call("refund", order=7), tool(ok=True, amount=58), agent(reply)]
    assert decision(messages, "ungrounded_number", "hallucination", 3, reply[-5:]) == "accepted"


@pytest.mark.parametrize(
    ("given", "reply"),
    [
        ("58", "You get $58.00."),
        ("1200", "You get 1,200 dollars."),
        ("0.15", "You get 15% off."),
        ("14:00", "It is open from 2 pm, 14 sharp."),
        ("三百五十", "退款350元。"),
        ("thirty-five", "You get 35 dollars."),
        ("2020-05-15", "It comes on May 15."),
    ],
)
def test_a_number_in_another_spelling_is_not_made_up(given: str, reply: str) -> None:
    messages = [user("How much?"), call("refund"), tool(value=given), agent(reply)]
    assert decision(messages, "ungrounded_number", "hallucination", 3, reply[:9]) == "rejected"


def test_knowledge_grounds_a_number() -> None:
    messages = [user("How long?"), call("find"), tool(ok=True), agent("It takes 14 days.")]
    assert decision(messages, "ungrounded_number", "hallucination", 3, "14") == "accepted"
    assert decision(messages, "ungrounded_number", "hallucination", 3, "14", "Refunds take 14 days.") == "rejected"


def test_a_number_that_the_procedure_says_is_not_made_up() -> None:
    messages = [user("Eighty of us."), call("find"), tool(ok=True), agent("At most 50 people can come.")]
    found = [finding("ungrounded_number", "hallucination", 3, "50")]
    assert accepted(run(messages, findings=found)) == [("hallucination", 3)]
    assert accepted(run(messages, findings=found, procedure=["The room takes 50 guests."])) == []


def test_a_computed_number_stays_open_only_where_the_reply_names_a_term_or_a_total() -> None:
    given = [user("Refund?"), call("refund", order=7), tool(ok=True, amount=58, fee=5)]
    open_one = [*given, agent("You get 53 dollars, that is less the fee of 5 dollars.")]
    bare = [*given, agent("You get 53 dollars.")]
    total = [*given, agent("The total is 171 dollars.")]
    assert decision(open_one, "ungrounded_number", "hallucination", 3, "53") == "unresolved"
    assert decision(bare, "ungrounded_number", "hallucination", 3, "53") == "accepted"
    assert decision(total, "ungrounded_number", "hallucination", 3, "171") == "unresolved"


def test_dates_that_the_user_gave_in_words_are_not_made_up() -> None:
    messages = [user("A table for tomorrow."), call("book"), tool(ok=True), agent("Booked for 2020-05-15.")]
    assert decision(messages, "ungrounded_number", "hallucination", 3, "2020-05-15") == "rejected"
    messages[0] = user("A table, please.")
    assert decision(messages, "ungrounded_number", "hallucination", 3, "2020-05-15") == "accepted"


def test_a_guessed_argument_is_accepted_and_a_named_one_is_not() -> None:
    guess = [user("Refund my order."), call("refund", order=147)]
    named = [user("Refund order 147."), call("refund", order=147)]
    confirmed = [user("Refund my order."), agent("Is it order 147?"), user("Yes."), call("refund", order=147)]
    assert decision(guess, "guessed_argument", "unclarified_demand", 1, "147") == "accepted"
    assert decision(named, "guessed_argument", "unclarified_demand", 1, "147") == "rejected"
    assert decision(confirmed, "guessed_argument", "unclarified_demand", 3, "147") == "unresolved"


def test_announcing_a_guess_in_the_same_turn_does_not_excuse_it() -> None:
    guess = call("refund", order=147)
    guess["content"] = "I will refund order 147."
    assert decision([user("Refund my order."), guess], "guessed_argument", "unclarified_demand", 1, "147") == "accepted"


def test_a_guess_is_found_beside_a_named_value_and_keys_are_not_values() -> None:
    messages = [user("Refund order 147."), call("refund", order=147, line2="x", amount=990)]
    outcome, reason = decided(messages, "guessed_argument", "unclarified_demand", 1, "990")
    assert outcome == "accepted"
    assert reason == "called with 990, which nobody had named"


def test_a_question_is_asked_again_only_if_it_was_answered() -> None:
    question = "Which order is it?"
    messages = [user("refund"), agent(question), user("Order 7."), agent(question)]
    assert decision(messages, "asked_twice", "unclarified_demand", 3, question) == "accepted"
    messages[2] = user("Where do I find that?")
    assert decision(messages, "asked_twice", "unclarified_demand", 3, question) == "rejected"
    searched = [*messages[:2], user("Order 7."), call("find", order=7), tool(ok=False), agent(question)]
    assert decision(searched, "asked_twice", "unclarified_demand", 5, question) == "rejected"


@pytest.mark.parametrize("claim", ["I have refunded it.", "It has been cancelled.", "已经为您退款", "退款成功"])
def test_done_is_believed_only_after_a_call_that_worked(claim: str) -> None:
    failed = [user("Refund."), call("refund_order", order=7), tool(ok=False), agent(claim)]
    worked = [user("Refund."), call("refund_order", order=7), tool(ok=True), agent(claim)]
    looked = [user("Refund."), call("get_order", order=7), tool(id=7), agent(claim)]
    no_result = [user("Refund."), call("refund_order", order=7), agent(claim)]
    no_tools = [user("Refund."), agent(claim)]
    assert decision(failed, "claimed_not_done", "action_mismatch", 3, claim) == "accepted"
    assert decision(worked, "claimed_not_done", "action_mismatch", 3, claim) == "rejected"
    assert decision(looked, "claimed_not_done", "action_mismatch", 3, claim) == "unresolved"
    assert decision(no_result, "claimed_not_done", "action_mismatch", 2, claim) == "unresolved"
    assert decision(no_tools, "claimed_not_done", "action_mismatch", 1, claim) == "unresolved"


def test_a_success_after_the_claim_does_not_excuse_it() -> None:
    messages = [user("Refund."), agent("I have refunded it."), user("No."), call("refund_order"), tool(ok=True)]
    assert decision(messages, "claimed_not_done", "action_mismatch", 1, "I have refunded") == "accepted"


@pytest.mark.parametrize(
    ("said", "reply", "expected"),
    [
        ("This is terrible.", "Which order number is it?", "accepted"),
        ("This is terrible.", "I am sorry. Which order number is it?", "rejected"),
        ("I am not angry at all.", "Which order number is it?", "rejected"),
        ("The soup was nice.", "Which order number is it?", "rejected"),
        ("Your bot is awful.", "Which order number is it?", "accepted"),
        ("It rains? How awful! Where is it dry?", "It is dry in Rome.", "unresolved"),
        ("I feel awful today. A room, please.", "Which day?", "unresolved"),
        ("太差了，我要投诉", "请问订单号是多少？", "accepted"),
        ("太差了，我要投诉", "非常抱歉，请问订单号是多少？", "rejected"),
        ("我没有生气", "请问订单号是多少？", "rejected"),
    ],
)
def test_an_upset_user_has_to_be_taken_up(said: str, reply: str, expected: str) -> None:
    assert decision([user(said), agent(reply)], "no_apology", "poor_empathy", 1, reply) == expected


def test_a_user_who_is_upset_at_a_refusal_has_to_be_taken_up() -> None:
    offered = [user("A table."), agent("At eight?"), user("Oh, that is awful."), agent("At nine?")]
    refused = [user("A table."), agent("Eight is not available."), user("Oh, that is awful."), agent("At nine?")]
    assert decision(offered, "no_apology", "poor_empathy", 3, "At nine?") == "unresolved"
    assert decision(refused, "no_apology", "poor_empathy", 3, "At nine?") == "accepted"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("That does not help me.", "accepted"),
        ("答非所问", "accepted"),
        ("how  much do I get", "accepted"),
        ("Good.", "unresolved"),
    ],
)
def test_a_reply_is_no_answer_if_the_user_says_so_or_asks_again(after: str, expected: str) -> None:
    messages = [user("How much do I get?"), agent("It takes days."), user(after)]
    assert decision(messages, "pushed_back", "incomplete_solution", 1, "It takes days.") == expected


@pytest.mark.parametrize("issue_type", ["policy_violation", "knowledge_misuse", "action_mismatch"])
def test_what_evidence_cannot_decide_stays_open_with_a_reason(issue_type: str) -> None:
    outcome, reason = decided([user("hi"), agent("hello there")], "my_own_rule", issue_type, 1, "hello")
    assert outcome == "unresolved"
    assert reason.endswith("needs a reader")


def test_a_rule_that_a_user_adds_is_examined_by_its_issue_type() -> None:
    messages = [user("Refund order 7."), call("refund", order=7), tool(amount=58), agent("You get 45 dollars.")]
    assert decision(messages, "my_own_rule", "hallucination", 3, "45") == "accepted"
    messages[3] = agent("You get 58 dollars.")
    assert decision(messages, "my_own_rule", "hallucination", 3, "58") == "rejected"

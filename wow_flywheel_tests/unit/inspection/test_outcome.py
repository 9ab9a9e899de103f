"""Verdicts: each piece of evidence moves the right score the right way, by the weight that is written down."""

import math
from typing import Any

import pytest

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.outcome import SATISFIED, SOLVED
from wow_flywheel_tests.unit.inspection.talk import agent, call, run, signal, tool, user

ASK = user("Refund order 7, please.")
OK = [call("refund_order", order=7), tool(ok=True, amount=58)]
DONE = agent("You get 58 dollars.")


def verdict(messages: list[Message], **signals: Any) -> dict[str, Any]:
    return run(messages, satisfaction=[signal(**signals)]).verdicts.row(0, named=True)


def scores(messages: list[Message], **signals: Any) -> tuple[float, float]:
    row = verdict(messages, **signals)
    return row["solved_score"], row["satisfied_score"]


def logistic(*weights: float) -> float:
    return round(1 / (1 + math.exp(-sum(weights))), 3)


def test_success_and_thanks_are_solved_and_satisfied() -> None:
    row = verdict([ASK, *OK, DONE, user("Great, thanks a lot.")], thanked=True)
    assert row["solved_score"] == logistic(0.3, 1.3, 0.25) == 0.864
    assert row["satisfied_score"] == logistic(1.8) == 0.858
    assert row["confidence"] == 1.0
    assert row["evidence"] == [
        "the last tool call, at turn 1, succeeded (solved +1.30)",
        "the customer thanks at the end (solved +0.25)",
        "the customer thanks at the end (satisfied +1.80)",
    ]


@pytest.mark.parametrize(
    ("result", "weights"),
    [
        ({"ok": True}, [SOLVED.last_succeeded]),
        ({"amount": 58}, [SOLVED.last_succeeded]),  # the tool changes something, and did not fail
        ({"ok": False}, [SOLVED.last_failed, SOLVED.failed_share]),
        ({"error": "order not found"}, [SOLVED.last_failed, SOLVED.failed_share]),
        ({"total_items": 0}, [SOLVED.last_failed, SOLVED.failed_share]),
    ],
)
def test_the_last_result_decides_most(result: dict[str, Any], weights: list[float]) -> None:
    assert scores([ASK, call("refund_order"), tool(**result), DONE])[0] == logistic(SOLVED.base, *weights)


def test_data_that_was_only_looked_up_proves_little() -> None:
    solved, _ = scores([ASK, call("find_order"), tool(order=7), DONE])
    assert solved == logistic(SOLVED.base, SOLVED.last_answered)


def test_an_earlier_success_still_counts_when_the_last_call_failed() -> None:
    messages = [ASK, *OK, call("send_mail", "c2"), tool("c2", ok=False), DONE]
    solved, satisfied = scores(messages)
    assert solved == logistic(SOLVED.base, SOLVED.last_failed, SOLVED.some_succeeded, SOLVED.failed_share / 2)
    assert satisfied == logistic(SATISFIED.failed_share / 2)


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ("I want to talk to a human.", {"asked_for_human": True}),
        ("This is useless.", {"complained": True}),
        ("我要转人工", {"asked_for_human": True}),
        ("太差了", {"complained": True}),
    ],
)
def test_a_customer_who_is_let_down_after_a_success_is_solved_but_not_satisfied(said: str, flags: dict[str, bool]) -> None:
    solved, satisfied = scores([ASK, *OK, DONE, user(said)], dissatisfied=True, score=0.2, **flags)
    assert solved == logistic(SOLVED.base, SOLVED.last_succeeded, SOLVED.dissatisfied) == 0.777
    assert satisfied <= 0.2


def test_leaving_with_an_open_question_speaks_against_both() -> None:
    solved, satisfied = scores([ASK, DONE, user("And when does it come?")], abandoned=True)
    assert solved == logistic(SOLVED.base, SOLVED.dissatisfied)
    assert satisfied == logistic(SATISFIED.abandoned)


def test_coming_back_speaks_against_satisfaction_only() -> None:
    assert scores([ASK, DONE], repeat_contact=True) == (logistic(SOLVED.base), logistic(SATISFIED.repeat_contact))


@pytest.mark.parametrize("text", ["I am sorry, I can not do that.", "Unfortunately nothing was found.", "抱歉，我们无法退款。"])
def test_a_refusal_at_the_end_speaks_against_solved(text: str) -> None:
    assert scores([ASK, agent(text), user("Hm.")])[0] == logistic(SOLVED.base, SOLVED.refused)


def test_a_refusal_that_a_later_success_overcame_does_not_count() -> None:
    messages = [ASK, agent("I can not find that order. Which is it?"), user("Number 7."), *OK, DONE]
    assert scores(messages)[0] == logistic(SOLVED.base, SOLVED.last_succeeded)


def test_a_refusal_between_two_successes_does_not_count_and_one_after_both_does() -> None:
    again = [call("refund_order", "c2"), tool("c2", ok=True)]
    between = [ASK, *OK, agent("I can not do the other one."), user("Try."), *again, DONE]
    after = [ASK, *OK, *again, agent("I can not do the other one.")]
    assert scores(between)[0] == logistic(SOLVED.base, SOLVED.last_succeeded)
    assert scores(after)[0] == logistic(SOLVED.base, SOLVED.last_succeeded, SOLVED.refused)


def test_a_closing_line_proves_nothing_and_hides_no_refusal() -> None:
    assert scores([ASK, DONE, user("Hm."), agent("Have a nice day.")])[0] == logistic(SOLVED.base)
    declined = [ASK, agent("We cannot do that."), user("Hm."), agent("Have a nice day.")]
    assert scores(declined)[0] == logistic(SOLVED.base, SOLVED.refused)


def test_thinking_aloud_and_handing_over_say_nothing_of_the_demand() -> None:
    aside = [call("think", "c8"), {"role": "tool", "content": "", "tool_call_id": "c8"}]
    over = [call("transfer_to_human_agents", "c9"), {"role": "tool", "content": "Transfer successful", "tool_call_id": "c9"}]
    failed = [call("refund_order"), tool(ok=False)]
    assert scores([ASK, *aside, *over, DONE])[0] == logistic(SOLVED.base)
    assert scores([ASK, *failed, *aside, *over, DONE])[0] == scores([ASK, *failed, DONE])[0]


@pytest.mark.parametrize("said", ["Forget it.", "That does not help me.", "算了", "I still have no money, thanks."])
def test_an_unmet_demand_counts_against_both(said: str) -> None:
    assert scores([ASK, DONE, user(said)]) == (logistic(SOLVED.base, SOLVED.unmet), logistic(SATISFIED.unmet))


def test_thanks_in_the_last_turn_take_an_unmet_demand_back() -> None:
    messages = [ASK, agent("Soon."), user("That does not help me. How much?"), DONE, user("Perfect, thank you.")]
    assert scores(messages) == (logistic(SOLVED.base, SOLVED.thanked), logistic(SATISFIED.thanked))


@pytest.mark.parametrize("said", ["Fine, bye.", "Okay.", "好吧", "whatever"])
def test_resigned_last_words_are_no_satisfaction(said: str) -> None:
    assert scores([ASK, DONE, user(said)]) == (logistic(SOLVED.base), logistic(SATISFIED.resigned))


def test_thanks_in_chinese_count() -> None:
    assert scores([user("退款"), agent("好的"), user("谢谢")]) == (
        logistic(SOLVED.base, SOLVED.thanked),
        logistic(SATISFIED.thanked),
    )


def test_a_complaint_about_the_matter_does_not_count_if_thanks_follow() -> None:
    matter = [user("This is terrible. Refund order 7."), *OK, agent("I am sorry. You get 58 dollars."), user("Thanks!")]
    assert scores(matter, complained=True)[1] == logistic(SATISFIED.thanked)
    service = [ASK, *OK, DONE, user("This is terrible service."), agent("I am sorry."), user("Thanks.")]
    assert scores(service, complained=True)[1] == logistic(SATISFIED.thanked, SATISFIED.complained)
    without_thanks = [*matter[:-1], user("And now?")]
    assert scores(without_thanks, complained=True)[1] == logistic(SATISFIED.complained)


def test_a_rating_decides_satisfaction_alone() -> None:
    messages = [ASK, *OK, DONE, user("This is useless.")]
    up = verdict(messages, explicit=True, satisfied=True, complained=True, score=1.0)
    down = verdict([ASK, *OK, DONE, user("Thanks!")], explicit=True, dissatisfied=True, score=0.0)
    assert (up["satisfied_score"], down["satisfied_score"]) == (1.0, 0.0)
    assert up["solved_score"] == logistic(SOLVED.base, SOLVED.last_succeeded, SOLVED.dissatisfied, SOLVED.rated_good)
    assert down["solved_score"] == logistic(SOLVED.base, SOLVED.last_succeeded, SOLVED.thanked)
    assert up["evidence"][-1] == "satisfied 1.00: the customer rated it"


def test_accepted_severe_claims_lower_satisfaction_up_to_three() -> None:
    wrong = [message for n in (41, 42, 43, 45) for message in (user(f"What is it, {'x' * n}?"), agent(f"You get {n} dollars."))]
    one = scores([ASK, *OK, *wrong[:2], user("Go on.")])[1]
    four = scores([ASK, *OK, *wrong, user("Go on.")])[1]
    assert one == logistic(SATISFIED.severe_claim)
    assert four == logistic(3 * SATISFIED.severe_claim)


def test_a_late_open_question_lowers_solved_and_an_early_one_does_not() -> None:
    asked = [user("Where does the money go?"), agent("Soon."), user("Where does the money go?")]
    late = [ASK, *OK, DONE, agent("More?"), agent("Well?"), *asked]
    early = [*asked, agent("To your card."), user("And order 7, please."), *OK, DONE]
    assert scores(late)[0] == logistic(SOLVED.base, SOLVED.last_succeeded, SOLVED.unanswered)
    assert scores(early)[0] == logistic(SOLVED.base, SOLVED.last_succeeded)


def test_long_conversations_are_less_likely_solved() -> None:
    talk = [message for i in range(20) for message in (user(f"So {'a' * i}."), agent(f"Then {'b' * i}."))]
    assert scores(talk)[0] == logistic(SOLVED.base, SOLVED.length * math.log(40 / 20))
    assert scores(talk[:20])[0] == logistic(SOLVED.base)


def test_without_any_evidence_the_verdict_is_open_and_says_so() -> None:
    row = run([ASK, DONE]).verdicts.row(0, named=True)
    assert (row["solved_score"], row["satisfied_score"]) == (0.574, 0.5)
    assert row["confidence"] == pytest.approx(0.374)
    assert row["evidence"] == ["nothing speaks for or against"]

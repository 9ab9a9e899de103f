"""What a customer wants, notices and does next, reply by reply."""

import pytest

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.customers import ANNOYANCE, ENDINGS, Customer
from wow_flywheel_tests.unit.closed_world.people import ASK, BYE, CLOSE, DAYS, customer, do, played, say, told

ASKED_AGAIN = ("Your number?", "Which number?", "What is the number?", "The number, please?", "And the number?")
MEANT = "It is about order 147."


def heard(who: Customer, *replies: str) -> list[str | None]:
    return [who.hear(reply) for reply in replies]


def test_the_first_message_says_what_the_customer_was_drawn_to_say() -> None:
    plain = {opening.format(item="soup") for opening in language.OPENINGS["refund"]}
    assert {customer(seed=seed).open() for seed in range(30)} == plain
    assert {customer(seed=seed, names_order=True).open() for seed in range(30)} == {f"{t} It is order 147." for t in plain}
    upset = customer(upset=True).open()
    assert any(upset.startswith(anger) for anger in language.ANGER)


def test_equal_seeds_behave_equally_and_other_seeds_say_other_words() -> None:
    replies = [ASK, do("refund_order", 147), CLOSE, say("It is not for me to say."), DAYS, BYE]
    talks = [played(customer(seed=seed), *replies).messages for seed in (3, 3, 4)]
    assert talks[0] == talks[1]
    assert talks[0] != talks[2]


def test_a_customer_who_has_heard_nothing_is_about_to_open() -> None:
    assert customer().intent == "open"


def test_asked_for_the_number_the_customer_gives_it() -> None:
    who = customer()
    assert who.hear(ASK.reply) in {phrase.format(order=147) for phrase in language.GIVE_NUMBER}
    assert (who.intent, who.gave_number, who.annoyance) == ("number", True, 0)


def test_asked_for_a_number_that_was_given_the_customer_says_so() -> None:
    who = customer(names_order=True)
    who.open()
    assert who.hear(ASK.reply) in {"I said 147.", "Again, it is 147."}
    assert (who.intent, who.faults) == ("number", ["asked_again"])


def test_told_what_was_done_the_customer_asks_each_question_once() -> None:
    who = customer("refund", "days", "method")
    who.order.done.add("refund_order")
    assert who.hear(CLOSE.reply) in language.QUESTIONS["days"]
    assert (who.intent, who.pending, who.informed) == ("question", "days", True)
    assert who.hear("It takes 5 days.") in language.QUESTIONS["method"]
    assert who.pending == "method"
    assert who.hear("You get it on your card.") in language.THANKS
    assert (who.intent, who.pending, who.faults) == ("thanks", None, [])


@pytest.mark.parametrize(
    ("need", "closing", "answer"),
    [
        ("delivery", "I have checked order 147. It will be there in 31 minutes.", "You get a voucher of 9 dollars."),
        ("cancel", "I have cancelled booking 147. You get 23 dollars.", "The fee is 6 dollars."),
        ("reship", "I have sent order 147 again. It will be there in 31 minutes.", "We send the soup."),
    ],
)
def test_every_need_can_be_solved(need: str, closing: str, answer: str) -> None:
    tool = {"delivery": "track_order", "cancel": "cancel_booking", "reship": "reship_item"}[need]
    who = customer(need)
    played(who, ASK, do(tool, 147), say(closing), say(answer))
    assert (who.intent, who.solved, who.faults) == ("thanks", True, [])


def test_a_wrong_number_is_corrected() -> None:
    who = customer()
    who.order.done.add("refund_order")
    said = who.hear("I have refunded order 147. You get 99 dollars.")
    assert said in {f"{phrase} {MEANT}" for phrase in language.NOT_RIGHT}
    assert (who.intent, who.informed, who.faults) == ("correct", False, ["wrong_number"])


def test_a_wrong_answer_is_corrected_and_the_question_asked_again() -> None:
    who = told(customer())
    said = who.hear("It takes 8 days.")
    assert said in {f"{phrase} {question}" for phrase in language.NOT_HELPFUL for question in language.QUESTIONS["days"]}
    assert (who.intent, who.pending, who.faults) == ("correct", "days", ["wrong_number"])


def test_a_reply_beside_the_point_confuses() -> None:
    who = customer()
    assert who.hear("The weather is fine.") in {f"{phrase} {MEANT}" for phrase in language.NOT_HELPFUL}
    assert (who.intent, who.gave_number, who.faults) == ("confused", True, ["unhelpful"])


def test_a_closing_that_leaves_out_which_order_it_is_about_confuses() -> None:
    who = customer()
    who.order.done.add("refund_order")
    who.hear("You get 23 dollars.")
    assert (who.intent, who.informed, who.faults) == ("confused", False, ["unhelpful"])


def test_what_was_not_done_is_noticed() -> None:
    who = customer()
    assert who.hear(CLOSE.reply) in {f"{phrase} {MEANT}" for phrase in language.NOT_HELPFUL}
    assert (who.intent, who.faults, who.solved) == ("confused", ["not_done"], False)


@pytest.mark.parametrize("again", ["Which order number is it?", "which ORDER number is it", "  Which order number is it?! "])
def test_a_repeated_reply_is_noticed_however_it_is_written(again: str) -> None:
    who = customer()
    who.hear(ASK.reply)
    said = who.hear(again)
    assert said in {f"{phrase} {MEANT}" for phrase in language.ALREADY_SAID}
    assert (who.intent, who.faults) == ("confused", ["repeated"])


def test_a_reply_with_other_numbers_is_no_repetition() -> None:
    who = told(customer("refund", "days", "method"))
    heard(who, "It takes 4 days.", "It takes 5 days.")
    assert who.faults == ["wrong_number"]


@pytest.mark.parametrize(("reply", "faults"), [("Which number is it?", ["cold"]), ("I am SORRY. Which number is it?", [])])
def test_an_upset_customer_wants_to_hear_sorry_at_once(reply: str, faults: list[str]) -> None:
    who = customer(upset=True)
    who.hear(reply)
    assert who.faults == faults


def test_a_calm_customer_needs_no_apology() -> None:
    who = customer()
    who.hear(ASK.reply)
    assert who.faults == []


def test_an_answer_that_never_comes_is_given_up_after_two_tries() -> None:
    who = told(customer("refund", "days", "method"))
    assert who.hear("Let me see.") is not None
    assert who.hear("One moment.") in language.QUESTIONS["method"]
    assert (who.pending, who.faults) == ("method", ["unhelpful", "unhelpful"])
    who.hear("It goes to your card.")
    assert (who.intent, who.solved) == ("cool", True)


def test_each_question_has_two_tries_of_its_own() -> None:
    who = told(customer("refund", "days", "method"))
    heard(who, "Let me see.", "It takes 5 days.")
    assert who.pending == "method"
    assert who.hear("One moment.") not in language.COOL_CLOSINGS
    assert (who.intent, who.pending) == ("confused", "method")


def test_a_need_that_nobody_understands_is_given_up_after_two_tries() -> None:
    who = customer()
    heard(who, "Let me see.", "One moment.")
    assert (who.annoyance, who.intent in {"human", "complain"}) == (2, True)


@pytest.mark.parametrize("patience", [2, 3, 4])
def test_a_customer_leaves_when_patience_is_used_up_and_not_before(patience: int) -> None:
    who = customer(names_order=True, patience=patience)
    who.open()
    for asked in range(patience - 1):
        who.hear(ASKED_AGAIN[asked])
        assert (who.annoyance, who.intent) == (asked + 1, "number")
    last = who.hear(ASKED_AGAIN[patience - 1])
    assert last in {*language.ASK_HUMAN, *language.COMPLAINTS}
    assert who.intent in {"human", "complain"}


@pytest.mark.parametrize("fault", ["repeated", "wrong_number", "not_done"])
def test_a_grave_fault_uses_up_the_least_patience_at_once(fault: str) -> None:
    who = customer(patience=2)
    if fault == "repeated":
        heard(who, ASK.reply or "", ASK.reply or "")
    elif fault == "wrong_number":
        who.order.done.add("refund_order")
        who.hear("I have refunded order 147. You get 99 dollars.")
    else:
        who.hear(CLOSE.reply)
    assert (who.faults, who.intent in {"human", "complain"}) == ([fault], True)


def test_about_half_of_those_who_leave_complain() -> None:
    """200 customers: 100 ± 4 standard deviations of 7."""
    left = [customer(patience=2, seed=seed) for seed in range(200)]
    last = [(who.hear(CLOSE.reply), who.intent) for who in left]
    assert 72 < sum(intent == "complain" for _, intent in last) < 128
    assert {said for said, intent in last if intent == "complain"} == set(language.COMPLAINTS)
    assert {said for said, intent in last if intent == "human"} == set(language.ASK_HUMAN)


@pytest.mark.parametrize(
    ("annoyance", "patience", "intent"),
    [(0, 2, "thanks"), (1, 2, "cool"), (1, 3, "thanks"), (1, 4, "thanks"), (2, 3, "cool"), (3, 4, "cool")],
)
def test_satisfaction_follows_from_annoyance_and_patience(annoyance: int, patience: int, intent: str) -> None:
    who = told(customer(patience=patience, seed=annoyance))
    who.annoyance = annoyance
    closing = language.THANKS if intent == "thanks" else language.COOL_CLOSINGS
    assert who.hear(DAYS.reply) in closing
    assert who.intent == intent


@pytest.mark.parametrize("intent", sorted(ENDINGS))
def test_after_the_last_word_nothing_more_is_said(intent: str) -> None:
    who = told(customer())
    who.intent = intent
    before = (who.annoyance, list(who.heard))
    assert who.hear(CLOSE.reply) is None
    assert (who.annoyance, who.heard) == before


@pytest.mark.parametrize(
    ("intent", "thumb"), [("thanks", "up"), ("human", "down"), ("complain", "down"), ("cool", None), ("question", None)]
)
def test_half_of_the_pleased_and_half_of_the_displeased_rate(intent: str, thumb: str | None) -> None:
    """200 customers: 100 ± 4 standard deviations of 7."""
    left = []
    for seed in range(200):
        who = customer(seed=seed)
        who.intent = intent
        left.append(who.thumb())
    assert set(left) == {thumb, None}
    assert thumb is None or 72 < left.count(thumb) < 128


def test_a_guess_costs_trust() -> None:
    who = customer()
    who.guessed_on()
    assert (who.faults, who.annoyance) == (["guessed"], ANNOYANCE["guessed"])


def test_solved_means_done_to_the_right_order_alone_and_told() -> None:
    assert told(customer()).solved
    untold = customer()
    untold.order.done.add("refund_order")
    assert not untold.solved
    also_cancelled = told(customer())
    also_cancelled.order.done.add("cancel_booking")
    assert not also_cancelled.solved
    other_too = told(customer())
    other_too.database.orders[182].done.add("refund_order")
    assert not other_too.solved


def test_words_that_hold_the_answer_inside_another_word_are_no_answer() -> None:
    who = told(customer("refund", "method"))
    who.hear("It is discarded.")
    assert (who.faults, who.pending) == (["unhelpful"], "method")

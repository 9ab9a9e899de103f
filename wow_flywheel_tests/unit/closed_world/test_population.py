"""What customers are like taken together: each share within 4 standard deviations of what the world promises."""

import datetime as dt
import random
from collections import Counter

import pytest

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.agents import FaultRates, ScriptedAgent
from wow_flywheel.closed_world.customers import ANNOYANCE, Customer
from wow_flywheel.closed_world.environment import CUSTOMERS, ClosedWorld
from wow_flywheel.closed_world.episode import play
from wow_flywheel_tests.unit.closed_world.people import ASK, CLOSE, customer

COUNT = 2000
DRAWN = [episode.customer for episode in ClosedWorld(dt.date(2026, 3, 2)).episodes(COUNT, seed=1)]


def near(share: float, hits: int) -> bool:
    return abs(hits - share * COUNT) < 4 * (share * (1 - share) * COUNT) ** 0.5


def test_three_in_ten_name_their_order_and_three_in_ten_are_upset_independently() -> None:
    named = [who.goal.names_order for who in DRAWN]
    upset = [who.goal.upset for who in DRAWN]
    assert near(0.3, sum(named))
    assert near(0.3, sum(upset))
    assert near(0.09, sum(both == (True, True) for both in zip(named, upset, strict=True)))


def test_half_are_of_middling_patience_and_a_quarter_each_of_little_and_much() -> None:
    patience = Counter(who.goal.patience for who in DRAWN)
    assert set(patience) == {2, 3, 4}
    assert (near(0.25, patience[2]), near(0.5, patience[3]), near(0.25, patience[4])) == (True, True, True)


def test_half_ask_one_question_and_half_ask_both() -> None:
    assert near(0.5, sum(len(who.goal.questions) == 1 for who in DRAWN))
    assert all(set(who.goal.questions) <= set(language.NEED_QUESTIONS[who.goal.need]) for who in DRAWN)


def test_the_same_customers_come_back_on_another_day_with_other_goals() -> None:
    """2,000 draws of 2,000 customers meet 63 % of them, so two days share about 40 %."""
    tomorrow = [episode.customer for episode in ClosedWorld(dt.date(2026, 3, 3)).episodes(COUNT, seed=1)]
    today = {who.user_id: who.goal for who in DRAWN}
    again = {who.user_id: who.goal for who in tomorrow if who.user_id in today}
    assert 0.3 * CUSTOMERS < len(again) < 0.5 * CUSTOMERS
    assert sum(today[user] == goal for user, goal in again.items()) < 0.01 * len(again)


def test_the_people_of_the_first_dialogues_guess_and_stay_cold_as_often_as_the_model_is_to_unlearn() -> None:
    episodes = ClosedWorld(dt.date(2026, 3, 2)).episodes(COUNT, seed=1)
    for _ in play(ScriptedAgent(FaultRates(), random.Random(1)), episodes):
        pass
    unnamed = [e.customer for e in episodes if not e.customer.goal.names_order]
    upset = [e.customer for e in episodes if e.customer.goal.upset]
    assert sum("guessed" in who.faults for who in unnamed) / len(unnamed) == pytest.approx(0.2, abs=0.05)
    assert sum("cold" in who.faults for who in upset) / len(upset) == pytest.approx(0.4, abs=0.08)


def faulty(fault: str, patience: int) -> Customer:
    """A customer to whom one fault was done."""
    who = customer(patience=patience, names_order=fault == "asked_again", upset=fault == "cold")
    who.open()
    if fault == "guessed":
        who.guessed_on()
    if fault == "wrong_number":
        who.order.done.add("refund_order")
    said = {
        "repeated": [ASK.reply, ASK.reply], "wrong_number": ["I have refunded order 147. You get 99 dollars."],
        "not_done": [CLOSE.reply], "unhelpful": ["Let me see."], "asked_again": [ASK.reply], "cold": [ASK.reply],
        "guessed": [ASK.reply],
    }  # fmt: skip
    for reply in said[fault]:
        who.hear(reply)
    assert who.faults == [fault]
    return who


@pytest.mark.parametrize("fault", sorted(ANNOYANCE))
def test_a_fault_of_the_agent_costs_two_where_it_is_grave_and_one_where_it_is_not(fault: str) -> None:
    cost = 2 if fault in {"repeated", "wrong_number", "not_done"} else 1
    assert faulty(fault, patience=9).annoyance == cost
    assert faulty(fault, patience=cost + 1).intent not in {"human", "complain"}
    assert faulty(fault, patience=cost).intent in {"human", "complain"}

"""The database, its tools and the rules of a day."""

import datetime as dt
import random
from typing import Any

import pytest

from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.closed_world.world import ITEMS, METHODS, NEEDS, ORDER_NUMBERS, RIDERS, TOOL_OF_NEED, Database, Rules
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import Action
from wow_flywheel_tests.unit.closed_world.people import RULES, database

MONDAY = dt.date(2026, 3, 2)
WORLD = ClosedWorld(MONDAY)


def test_the_same_seed_draws_the_same_orders() -> None:
    drawn = [Database.draw("ada", RULES, random.Random(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_drawn_orders_are_distinct_and_within_the_worlds_ranges() -> None:
    for seed in range(200):
        orders = Database.draw("ada", RULES, random.Random(seed), orders=5).orders
        assert [order.number for order in orders.values()] == list(orders)
        assert len(orders) == 5
        for order in orders.values():
            assert order.number in ORDER_NUMBERS
            assert (order.user_id, order.done) == ("ada", set())
            assert (order.item in ITEMS, order.method in METHODS, order.rider in RIDERS) == (True, True, True)
            assert (10 <= order.amount <= 59, 10 <= order.minutes <= 59) == (True, True)


def test_rules_hold_for_a_week_and_then_change() -> None:
    """1 March 2026 is day 739,676 = 7 · 105,668; 105,668 leaves 2 when divided by 3 and 0 when divided by 2."""
    week = [Rules.of(dt.date(2026, 3, 1) + dt.timedelta(days=day)) for day in range(7)]
    assert set(week) == {Rules(refund_days=5, cancel_fee=5, voucher=10)}
    assert Rules.of(dt.date(2026, 3, 8)) == Rules(refund_days=3, cancel_fee=6, voucher=8)
    assert Rules.of(dt.date(2026, 2, 28)) == Rules(refund_days=4, cancel_fee=6, voucher=9)


@pytest.mark.parametrize(
    ("tool", "result"),
    [
        ("refund_order", {"amount": 23, "days": 5, "method": "card"}),
        ("track_order", {"minutes": 31, "rider": "Lin", "voucher": 9}),
        ("cancel_booking", {"amount": 23, "fee": 6, "method": "card"}),
        ("reship_item", {"minutes": 31, "item": "soup", "rider": "Lin"}),
    ],
)
@pytest.mark.parametrize("number", [147, "147"])
def test_a_tool_says_what_it_did_under_the_days_rules(tool: str, result: dict[str, Any], number: Any) -> None:
    world = database()
    assert world.call(Action(name=tool, arguments={"order": number})) == {"ok": True, "order": 147} | result
    assert (world.orders[147].done, world.orders[182].done) == ({tool}, set())


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("refund_everything", {"order": 147}, "no such tool"),
        ("refund_order", {"order": 148}, "order not found"),
        ("refund_order", {"order": "my last one"}, "order not found"),
        ("refund_order", {"order": -147}, "order not found"),
        ("refund_order", {"order": [147]}, "order not found"),
        ("refund_order", {"order": None}, "order not found"),
        ("refund_order", {}, "order not found"),
    ],
)
def test_a_call_that_cannot_be_done_is_answered_and_does_nothing(tool: str, arguments: dict[str, Any], error: str) -> None:
    world = database()
    assert world.call(Action(name=tool, arguments=arguments)) == {"ok": False, "error": error}
    assert world == database()


def test_equal_seeds_draw_equal_customers_goals_and_databases() -> None:
    one, same, other = (
        [(e.episode_id[:10], e.customer.user_id, e.customer.goal, e.customer.database) for e in WORLD.episodes(20, seed=seed)]
        for seed in (7, 7, 8)
    )
    assert one == same
    assert one != other


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    short, long = WORLD.episodes(5, seed=7), WORLD.episodes(50, seed=7)
    assert [e.customer.goal for e in long[:5]] == [e.customer.goal for e in short]


def test_conversations_of_all_days_and_seeds_have_their_own_ids() -> None:
    days = [MONDAY + dt.timedelta(days=day) for day in range(4)]
    ids = [e.episode_id for day in days for seed in (-1, 0, 1) for e in ClosedWorld(day).episodes(30, seed=seed)]
    assert len(set(ids)) == len(ids) == 4 * 3 * 30


def test_the_goal_is_about_one_of_the_customers_own_orders() -> None:
    for episode in WORLD.episodes(300, seed=1):
        customer = episode.customer
        assert customer.goal.order in customer.database.orders
        assert customer.order.user_id == customer.user_id
        assert customer.database.rules == Rules.of(MONDAY)
        assert 2 <= customer.goal.patience <= 4
        assert len(set(customer.goal.questions)) == len(customer.goal.questions) in {1, 2}


def test_every_need_is_drawn_about_as_often_as_the_others() -> None:
    """1,000 draws of 4 needs: 250 ± 4 standard deviations of 13.7."""
    needs = [episode.customer.goal.need for episode in WORLD.episodes(1000, seed=1)]
    assert {need for need in NEEDS if 195 < needs.count(need) < 305} == set(TOOL_OF_NEED)


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_customers_of_one_split_are_drawn_where_it_is_asked_for(split: str) -> None:
    assert {split_of(episode.customer.user_id) for episode in WORLD.episodes(200, seed=1, split=split)} == {split}


def test_without_a_split_customers_of_both_come() -> None:
    assert {split_of(episode.customer.user_id) for episode in WORLD.episodes(200, seed=1)} == {"train", "held_out"}

"""The world's database and the tools that agents may call.

What belongs here: orders, the business rules of a day, what each tool does to the database. What does not: what people say
(`language`), what customers want (`customers`).
"""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wow_flywheel.dialogue import Action

Need = Literal["refund", "delivery", "cancel", "reship"]
NEEDS: tuple[Need, ...] = ("refund", "delivery", "cancel", "reship")
TOOL_OF_NEED: Mapping[Need, str] = {
    "refund": "refund_order",
    "delivery": "track_order",
    "cancel": "cancel_booking",
    "reship": "reship_item",
}
ITEMS = ("noodles", "soup", "salad", "pizza", "rice", "cake", "tea", "coffee")
RIDERS = ("Lin", "Marco", "Ana", "Omar", "Wei", "Tess")
METHODS = ("card", "wallet")
ORDER_NUMBERS = range(101, 200)


@dataclass(frozen=True, slots=True)
class Rules:
    """The business rules of one day; they change over time, and agents read them from tool results.

    Attributes:
        refund_days: Days until a refund arrives.
        cancel_fee: Fee of a cancelled booking, in dollars.
        voucher: Apology voucher for a late delivery, in dollars.
    """

    refund_days: int
    cancel_fee: int
    voucher: int

    @classmethod
    def of(cls, day: dt.date) -> "Rules":
        """The rules in force on a day: they change every week."""
        week = day.toordinal() // 7
        return cls(refund_days=3 + week % 3, cancel_fee=5 + week % 2, voucher=8 + week % 3)


@dataclass(slots=True)
class Order:
    """One order or booking, and what has been done to it."""

    number: int
    user_id: str
    item: str
    amount: int
    method: str
    minutes: int
    rider: str
    done: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Database:
    """The orders of one conversation's customer, under one day's rules."""

    rules: Rules
    orders: dict[int, Order]

    @classmethod
    def draw(cls, user_id: str, rules: Rules, rng: random.Random, orders: int = 2) -> "Database":
        """A customer's orders, drawn at random."""
        numbers = rng.sample(list(ORDER_NUMBERS), orders)
        return cls(rules, {number: _draw_order(number, user_id, rng) for number in numbers})

    def call(self, action: Action) -> dict[str, Any]:
        """Do what a tool call says; an unknown tool or order gives an `error`, as a real service would."""
        number = str(action.arguments.get("order", ""))
        order = self.orders.get(int(number)) if number.isdecimal() else None
        if action.name not in TOOL_OF_NEED.values():
            return {"ok": False, "error": "no such tool"}
        if order is None:
            return {"ok": False, "error": "order not found"}
        order.done.add(action.name)
        return {"ok": True, "order": order.number, **self._result(action.name, order)}

    def _result(self, tool: str, order: Order) -> dict[str, Any]:
        if tool == "refund_order":
            return {"amount": order.amount, "days": self.rules.refund_days, "method": order.method}
        if tool == "track_order":
            return {"minutes": order.minutes, "rider": order.rider, "voucher": self.rules.voucher}
        if tool == "cancel_booking":
            return {"amount": order.amount, "fee": self.rules.cancel_fee, "method": order.method}
        return {"minutes": order.minutes, "item": order.item, "rider": order.rider}


def _draw_order(number: int, user_id: str, rng: random.Random) -> Order:
    return Order(
        number=number,
        user_id=user_id,
        item=rng.choice(ITEMS),
        amount=rng.randint(10, 59),
        method=rng.choice(METHODS),
        minutes=rng.randint(10, 59),
        rider=rng.choice(RIDERS),
    )

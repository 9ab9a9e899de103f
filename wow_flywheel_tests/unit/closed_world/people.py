"""One customer with two known orders, and conversations with scripted outputs, for the tests of the closed world."""

import random
from typing import Any

from wow_flywheel.closed_world.customers import Customer, Goal
from wow_flywheel.closed_world.episode import Episode
from wow_flywheel.closed_world.world import Database, Need, Order, Rules
from wow_flywheel.dialogue import Action, DialogueAction

RULES = Rules(refund_days=5, cancel_fee=6, voucher=9)
ASK = DialogueAction(reply="Which order number is it?")
REFUND = DialogueAction(action=Action(name="refund_order", arguments={"order": 147}))
CLOSE = DialogueAction(reply="I have refunded order 147. You get 23 dollars.")
DAYS = DialogueAction(reply="It takes 5 days.")
BYE = DialogueAction(reply="Goodbye.")


def say(text: str) -> DialogueAction:
    return DialogueAction(reply=text)


def do(tool: str, order: Any) -> DialogueAction:
    return DialogueAction(action=Action(name=tool, arguments={"order": order}))


def database() -> Database:
    """Order 147, which the customer means, and order 182."""
    meant = Order(147, "ada", item="soup", amount=23, method="card", minutes=31, rider="Lin")
    other = Order(182, "ada", item="cake", amount=44, method="wallet", minutes=12, rider="Omar")
    return Database(RULES, {147: meant, 182: other})


def customer(need: Need = "refund", *questions: str, seed: int = 0, **goal: Any) -> Customer:
    """A calm customer who means order 147 without naming it, and asks when the money comes."""
    asked = questions or {"refund": ("days",), "delivery": ("voucher",), "cancel": ("fee",), "reship": ("item",)}[need]
    drawn: dict[str, Any] = {"names_order": False, "upset": False, "patience": 4} | goal
    return Customer("ada", Goal(need, 147, asked, **drawn), database(), random.Random(seed))


def told(who: Customer) -> Customer:
    """The customer after the refund was made and heard about: now comes the first question."""
    who.order.done.add("refund_order")
    who.hear(CLOSE.reply)
    return who


def played(who: Customer, *outputs: DialogueAction | None) -> Episode:
    """An episode in which the agent gives these outputs; those after its end are left out."""
    episode = Episode("talk-1", who)
    episode.begin()
    for output in outputs:
        if not episode.over:
            episode.step(output)
    return episode

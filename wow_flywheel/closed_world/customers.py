"""Simulated customers: goals, personas, patience, and a satisfaction function.

What belongs here: what a customer wants, notices and does next. What does not: wording (`language`), tools (`world`).
A customer hears only replies. Each fault costs annoyance; at the end of patience the customer complains or asks for a human.
"""

import random
import re
from dataclasses import dataclass, field
from typing import Literal

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.world import NEEDS, TOOL_OF_NEED, Database, Need, Order

Intent = Literal["open", "number", "question", "correct", "confused", "thanks", "cool", "human", "complain"]
ENDINGS: frozenset[str] = frozenset({"thanks", "cool", "human", "complain"})
ANNOYANCE = {"repeated": 2, "wrong_number": 2, "not_done": 2, "unhelpful": 1, "asked_again": 1, "cold": 1, "guessed": 1}
"""What each fault costs; patience is between 2 and 4."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a customer came for: a need about one order, questions to ask after it, and how it is brought up."""

    need: Need
    order: int
    questions: tuple[str, ...]
    names_order: bool
    upset: bool
    patience: int


@dataclass(slots=True)
class Customer:
    """One customer in one conversation."""

    user_id: str
    goal: Goal
    database: Database
    rng: random.Random
    annoyance: int = 0
    faults: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gave_number: bool = False
    informed: bool = False
    retries: int = 0
    intent: Intent = "open"

    @classmethod
    def draw(cls, user_id: str, database: Database, rng: random.Random) -> "Customer":
        """A customer with a random goal about one of the database's orders."""
        need = rng.choice(NEEDS)
        goal = Goal(
            need=need,
            order=rng.choice(sorted(database.orders)),
            questions=tuple(rng.sample(language.NEED_QUESTIONS[need], rng.choice((1, 2)))),
            names_order=rng.random() < 0.3,
            upset=rng.random() < 0.3,
            patience=rng.choice((2, 3, 3, 4)),
        )
        return cls(user_id, goal, database, rng)

    @property
    def order(self) -> Order:
        """The order that the goal is about."""
        return self.database.orders[self.goal.order]

    @property
    def solved(self) -> bool:
        """Checked against the database: the need's tool was run on the right order and no other, and the customer was told."""
        tool = TOOL_OF_NEED[self.goal.need]
        others = any(order.done for number, order in self.database.orders.items() if number != self.goal.order)
        return tool in self.order.done and self.order.done == {tool} and not others and self.informed

    @property
    def pending(self) -> str | None:
        """The fact asked about last, while it is unanswered."""
        return self.asked[-1] if self.asked and self.intent in {"question", "confused", "correct"} else None

    def open(self) -> str:
        """The first message."""
        text = self._say(language.OPENINGS[self.goal.need])
        if self.goal.names_order:
            self.gave_number = True
            text += language.OPENING_WITH_NUMBER.format(order=self.goal.order)
        return (self._say(language.ANGER) if self.goal.upset else "") + text

    def guessed_on(self) -> None:
        """A tool was called with an order that the customer never named: it shows in what the agent says, and costs trust."""
        self._annoy("guessed")

    def hear(self, reply: str | None) -> str | None:
        """React to a reply; None ends the conversation (only after an ending was said)."""
        if self.intent in ENDINGS:
            return None
        text = _plain(reply or "")
        repeated = text in self.heard
        first = not self.heard
        self.heard.append(text)
        if first and self.goal.upset and "sorry" not in text:
            self._annoy("cold")
        return self._leave() or self._react(text, repeated=repeated)

    def _react(self, text: str, *, repeated: bool) -> str:
        if repeated:
            return self._annoyed("repeated", language.ALREADY_SAID)
        if not self.informed:
            return self._hear_about_need(text)
        return self._hear_answer(text)

    def _hear_about_need(self, text: str) -> str:
        if re.search(r"\bnumber\b", text):
            return self._give_number()
        if TOOL_OF_NEED[self.goal.need] not in self.order.done:
            return self._annoyed("not_done" if re.search(r"\bi have\b", text) else "unhelpful", language.NOT_HELPFUL)
        if self._wrong_numbers(text):
            return self._annoyed("wrong_number", language.NOT_RIGHT)
        if str(self.goal.order) not in text:
            return self._annoyed("unhelpful", language.NOT_HELPFUL)
        self.informed = True
        return self._next()

    def _hear_answer(self, text: str) -> str:
        fact = self.asked[-1]
        if re.search(rf"\b{re.escape(str(self._facts()[fact]).lower())}\b", text):
            self.retries = 0
            return self._next()
        return self._annoyed("wrong_number" if self._wrong_numbers(text) else "unhelpful", language.NOT_HELPFUL)

    def _give_number(self) -> str:
        if self.gave_number:
            self._annoy("asked_again")
        phrases = language.GIVE_NUMBER_AGAIN if self.gave_number else language.GIVE_NUMBER
        self.gave_number = True
        self.intent = "number"
        return self._leave() or self._say(phrases)

    def _next(self) -> str:
        remaining = [q for q in self.goal.questions if q not in self.asked]
        if not remaining:
            return self._finish()
        self.asked.append(remaining[0])
        self.intent = "question"
        return self._say(language.QUESTIONS[remaining[0]])

    def _annoyed(self, fault: str, phrases: tuple[str, ...]) -> str:
        self._annoy(fault)
        self.retries += 1
        if leaving := self._leave():
            return leaving
        if self.retries > 1:
            self.retries = 0
            return self._next() if self.informed else self._give_up()
        self.intent = "correct" if fault == "wrong_number" else "confused"
        again = self._say(language.QUESTIONS[self.asked[-1]]) if self.asked else f"It is about order {self.goal.order}."
        self.gave_number = self.gave_number or not self.asked
        return f"{self._say(phrases)} {again}"

    def _leave(self) -> str | None:
        return self._give_up() if self.annoyance >= self.goal.patience else None

    def _give_up(self) -> str:
        human = self.rng.random() < 0.5
        self.intent = "human" if human else "complain"
        return self._say(language.ASK_HUMAN if human else language.COMPLAINTS)

    def _finish(self) -> str:
        pleased = self.annoyance == 0 or (self.annoyance == 1 and self.goal.patience > 2)
        self.intent = "thanks" if pleased else "cool"
        return self._say(language.THANKS if pleased else language.COOL_CLOSINGS)

    def thumb(self) -> str | None:
        """The rating left afterwards: half of the pleased and half of the displeased leave one."""
        if self.rng.random() < 0.5:
            return None
        if self.intent == "thanks":
            return "up"
        return "down" if self.intent in {"human", "complain"} else None

    def _facts(self) -> dict[str, int | str]:
        rules = self.database.rules
        order = self.order
        return {
            "order": order.number, "amount": order.amount, "method": order.method, "minutes": order.minutes,
            "rider": order.rider, "item": order.item, "days": rules.refund_days, "fee": rules.cancel_fee,
            "voucher": rules.voucher,
        }  # fmt: skip

    def _wrong_numbers(self, text: str) -> bool:
        known = {str(value) for value in self._facts().values()}
        return any(number not in known for number in re.findall(r"\d+", text))

    def _annoy(self, fault: str) -> None:
        self.faults.append(fault)
        self.annoyance += ANNOYANCE[fault]

    def _say(self, phrases: tuple[str, ...]) -> str:
        return self.rng.choice(phrases).format(**self._facts())


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()

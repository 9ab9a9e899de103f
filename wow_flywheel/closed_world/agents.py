"""Human-like agents whose dialogues the first production model learns from: mostly right, with faults at known rates.

What belongs here: when a human agent follows the script, and when not. What does not: the customers' side, the wording.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.episode import Episode
from wow_flywheel.closed_world.world import ORDER_NUMBERS, TOOL_OF_NEED
from wow_flywheel.dialogue import Action, DialogueAction, Message


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often an agent goes wrong, each the probability at an opportunity.

    Attributes:
        repeat: Says the last script again instead of answering a question.
        guess: Acts on an order number that nobody named, instead of asking for it.
        wrong_number: States a number that the tool did not give.
        cold: Does not say sorry to an upset customer.
    """

    repeat: float = 0.5
    guess: float = 0.2
    wrong_number: float = 0.08
    cold: float = 0.4


PERFECT = FaultRates(0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class ScriptedAgent:
    """An agent that sees the customer's intent (as a person would understand it) and follows the scripts, with faults."""

    rates: FaultRates
    rng: random.Random

    def act(self, episodes: Sequence[Episode]) -> list[DialogueAction | None]:
        """The next output for each episode."""
        return [self._decide(episode) for episode in episodes]

    def _decide(self, episode: Episode) -> DialogueAction:
        last = episode.messages[-1]
        if last["role"] == "tool":
            result = json.loads(last["content"] or "{}")
            return self._close(episode) if result["ok"] else _reply(self._sorry(episode) + self.rng.choice(language.NOT_FOUND))
        match episode.customer.intent:
            case "open":
                return self._open(episode)
            case "number":
                return self._call(episode, episode.customer.goal.order)
            case "question":
                return self._answer(episode, repeat=self.rates.repeat)
            case "confused" | "correct":
                return self._mend(episode)
            case _:
                return _reply(self.rng.choice(language.GOODBYES))

    def _open(self, episode: Episode) -> DialogueAction:
        goal = episode.customer.goal
        if goal.names_order:
            return self._call(episode, goal.order)
        if self.rng.random() < self.rates.guess:
            return self._call(episode, self.rng.choice(list(ORDER_NUMBERS)))
        return _reply(self._sorry(episode) + self.rng.choice(language.ASK_NUMBER))

    def _call(self, episode: Episode, number: int) -> DialogueAction:
        return DialogueAction(action=Action(name=TOOL_OF_NEED[episode.customer.goal.need], arguments={"order": number}))

    def _close(self, episode: Episode) -> DialogueAction:
        script = language.CLOSINGS[episode.customer.goal.need]
        return _reply(self._sorry(episode) + script.format(**self._facts(episode)))

    def _answer(self, episode: Episode, *, repeat: float) -> DialogueAction:
        if self.rng.random() < repeat:
            return _reply(_last_reply(episode.messages))
        script = self.rng.choice(language.ANSWERS[episode.customer.asked[-1]])
        return _reply(script.format(**self._facts(episode)))

    def _mend(self, episode: Episode) -> DialogueAction:
        customer = episode.customer
        if customer.asked:
            return self._answer(episode, repeat=self.rates.repeat / 2)
        if TOOL_OF_NEED[customer.goal.need] not in customer.order.done:
            return self._call(episode, customer.goal.order)
        return self._close(episode)

    def _sorry(self, episode: Episode) -> str:
        first = not any(m["role"] == "assistant" and m.get("content") for m in episode.messages)
        if not (first and episode.customer.goal.upset) or self.rng.random() < self.rates.cold:
            return ""
        return self.rng.choice(language.APOLOGIES)

    def _facts(self, episode: Episode) -> dict[str, object]:
        facts: dict[str, object] = {}
        for message in episode.messages:
            if message["role"] == "tool":
                facts |= json.loads(message["content"] or "{}")
        wrong = self.rng.random() < self.rates.wrong_number
        return {key: _perturbed(value, self.rng) if wrong and key != "order" else value for key, value in facts.items()}


def _perturbed(value: object, rng: random.Random) -> object:
    return value + rng.randint(1, 9) if isinstance(value, int) and not isinstance(value, bool) else value


def _reply(text: str) -> DialogueAction:
    return DialogueAction(reply=text)


def _last_reply(messages: Sequence[Message]) -> str:
    said = [content for m in messages if m["role"] == "assistant" and (content := m.get("content"))]
    return said[-1]

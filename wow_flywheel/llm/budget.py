"""What a run may spend, and keeping to it.

What belongs here: limits, reservations, prices. What does not: who is asked what (`client`, the stages).
A call is made only if all that is spent, all that is reserved for calls under way, and its own estimate stay within the limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wow_flywheel.llm.settings import LlmSettings, estimated_tokens


class Spending(NamedTuple):
    """Tokens, prompt and answer together, and US dollars."""

    tokens: int = 0
    usd: float = 0.0

    def times(self, share: float) -> "Spending":
        """The same tokens for a share of the price."""
        return Spending(self.tokens, self.usd * share)

    def plus(self, other: "Spending") -> "Spending":
        """The sum of two spendings."""
        return Spending(self.tokens + other.tokens, self.usd + other.usd)

    def minus(self, other: "Spending") -> "Spending":
        """The difference of two spendings."""
        return Spending(self.tokens - other.tokens, self.usd - other.usd)


NOTHING = Spending()


@dataclass(slots=True)
class Budget:
    """What one run may spend. None is no limit.

    Attributes:
        max_tokens: Tokens, prompts and answers together.
        max_usd: US dollars, by the prices of the settings.
        spent: What was spent so far.
        reserved: The estimates of the calls under way.
        refused: Calls that were not made for lack of budget.
    """

    max_tokens: int | None = None
    max_usd: float | None = None
    spent: Spending = NOTHING
    reserved: Spending = NOTHING
    refused: int = 0

    def affords(self, wanted: Spending) -> bool:
        """True if this much is left."""
        total = self.spent.plus(self.reserved).plus(wanted)
        within = self.max_tokens is None or total.tokens <= self.max_tokens
        return within and (self.max_usd is None or total.usd <= self.max_usd)

    def reserve(self, wanted: Spending) -> bool:
        """Set an estimate aside; False, and nothing set aside, if it is not left."""
        if not self.affords(wanted):
            self.refused += 1
            return False
        self.reserved = self.reserved.plus(wanted)
        return True

    def settle(self, reserved: Spending, spent: Spending) -> None:
        """Put what a call really cost in the place of its reservation."""
        self.reserved = self.reserved.minus(reserved)
        self.spent = self.spent.plus(spent)

    def charge(self, spent: Spending) -> None:
        """Count what was spent beside the reservation: a try that got no usable answer and may be billed all the same."""
        self.spent = self.spent.plus(spent)

    def holds(self) -> bool:
        """True while all that is spent and set aside is within the limits."""
        return self.affords(NOTHING)

    def shown(self) -> str:
        """The limits in words."""
        limits = [
            *([f"{self.max_tokens} tokens"] if self.max_tokens is not None else []),
            *([f"{self.max_usd:.2f} USD"] if self.max_usd is not None else []),
        ]
        return " and ".join(limits) or "no limit"


@dataclass(slots=True)
class Tries:
    """The tries of one call against the budget. The reservation is for one try.

    Attributes:
        budget: What may be spent.
        most: What one try may cost.
        lost: Tries that got no usable answer and may be billed: they timed out, or came back garbled.
    """

    budget: Budget
    most: Spending
    lost: int = 0

    def lose(self) -> None:
        """Charge a try that may be billed, by estimate."""
        self.lost += 1
        self.budget.charge(self.most)

    def may_go_on(self) -> bool:
        """True if the budget reaches another try."""
        return not self.lost or self.budget.holds()


def spent_on(settings: LlmSettings, prompt: Spending, content: str, prompt_tokens: int, answer_tokens: int) -> Spending:
    """What a call cost: as the endpoint counted it, by estimate what it did not count.

    Args:
        settings: The endpoint, for its prices.
        prompt: The estimate for the prompt alone.
        content: The answer.
        prompt_tokens: As counted; 0 where it was not.
        answer_tokens: As counted; 0 where it was not.
    """
    asked, answered = prompt_tokens or prompt.tokens, answer_tokens or estimated_tokens(content)
    return Spending(asked + answered, settings.cost_usd(asked, answered))


def most_of(settings: LlmSettings, messages: Sequence[Mapping[str, str]], schema_text: str) -> Spending:
    """What a call may cost at most, by a cautious estimate: its prompt, its schema, and the longest answer allowed."""
    prompt = prompt_of(settings, messages, schema_text).tokens
    return Spending(prompt + settings.max_tokens, settings.cost_usd(prompt, settings.max_tokens))


def prompt_of(settings: LlmSettings, messages: Sequence[Mapping[str, str]], schema_text: str) -> Spending:
    """What a prompt with its schema costs, by a cautious estimate."""
    prompt = sum(estimated_tokens(message["content"]) for message in messages) + estimated_tokens(schema_text)
    return Spending(prompt, settings.cost_usd(prompt, 0))

"""What is asked of an endpoint, and what comes of it.

What belongs here: the request and its named outcomes. What does not: calls (`client`), prompts (the stages).
"""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from pydantic import BaseModel

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LlmRequest:
    """One question.

    Attributes:
        user: The prompt.
        system: Instructions that stand before it; empty for none.
        about: The conversation or pair that it is about, so that its answer can be found and deleted with it.
    """

    user: str
    system: str = ""
    about: str = ""

    def messages(self) -> list[dict[str, str]]:
        """As chat messages."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        return [*before, {"role": "user", "content": self.user}]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them, repairs included; 0 where it does not count."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Success(Generic[S]):
    """An answer that fits its schema.

    Attributes:
        value: The answer.
        usage: Tokens of all calls that it took.
        cost_usd: What these calls cost when they were made, so that a rerun from the ledger reports the same.
        prompt_hash: The ledger's key of the last call.
        cached: True if no call was made for it now.
    """

    value: S
    usage: Usage
    cost_usd: float
    prompt_hash: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a usable answer.

    Attributes:
        reason: `unavailable` (the tries are used up), `unparsable` (no answer that fits, repairs included), `truncated` (cut at
            `max_tokens`), `refused` (the model declined), `rejected` (the endpoint cannot take this one request).
        detail: What happened, in plain words, without the prompt or the answer.
    """

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


Outcome: TypeAlias = Success[S] | Failure
"""What becomes of one request: never None."""


class RequestFailedError(Exception):
    """Ends one request inside the client; callers see its `Failure`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail)


class FormatRefusedError(Exception):
    """The endpoint may not take this `response_format`; the next plainer one is tried. `detail` says what it answered."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

"""What is asked of an endpoint, and what comes of it.

What belongs here: the request and its named outcomes. What does not: calls (`client`), prompts (the stages).
"""

from dataclasses import dataclass, field
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
class Answered:
    """An answer as the endpoint gave it, for traces.

    Attributes:
        text: Its text.
        latency_s: Seconds that the call took when it was made.
        at: When it was made, RFC 3339 in UTC.
    """

    text: str
    latency_s: float
    at: str


@dataclass(frozen=True, slots=True)
class Success(Generic[S]):
    """An answer that fits its schema.

    Attributes:
        value: The answer.
        usage: Tokens of all calls that it took.
        cost_usd: What these calls cost when they were made, so that a rerun from the ledger reports the same.
        prompt_hash: The ledger's key of the last call.
        cached: True if no call was made for it now.
        said: The last answer as it came.
        repairs: How often an answer before it was sent back because it did not fit.
    """

    value: S
    usage: Usage
    cost_usd: float
    prompt_hash: str
    cached: bool
    said: Answered
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a usable answer.

    Attributes:
        reason: The tries are used up: `rate_limited` (429), `server_error` (5xx), `connection_lost` (refused or reset),
            `timed_out` (silent, or too slow), `garbled` (no JSON, or no choices). Of this one request: `unparsable` (no answer
            that fits, repairs included), `truncated` (cut at `max_tokens`), `refused` (the model, or a filter before it,
            declined), `too_long` (for the endpoint's context), `rejected` (another 4xx). Not asked: `over_budget`, `pending`
            (in a batch that is not done).
        detail: What happened, in plain words, without the prompt or the answer.
        usage: Tokens that were spent on it all the same.
        cost_usd: What these cost.
        prompt_hash: The ledger's key of the last answer; empty if there is none.
        said: The last answer as it came; None if there is none.
    """

    reason: str
    detail: str
    usage: Usage = field(default=Usage(), compare=False)
    cost_usd: float = field(default=0.0, compare=False)
    prompt_hash: str = field(default="", compare=False)
    said: Answered | None = field(default=None, compare=False)

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


class ParameterRefusedError(Exception):
    """The endpoint does not take a sampling parameter of this name; the question is put again without it."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class BadMomentError(Exception):
    """The same call may succeed later.

    Args:
        reason: As `Failure.reason`.
        problem: What happened, in plain words.
        pause: Seconds that the endpoint asks to wait; None if it does not say.
        overloaded: True if it says that it has too much to do.
    """

    def __init__(self, reason: str, problem: str, pause: float | None = None, *, overloaded: bool = False) -> None:
        super().__init__(problem)
        self.reason = reason
        self.problem = problem
        self.pause = pause
        self.overloaded = overloaded

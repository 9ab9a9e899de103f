"""How to reach the endpoint, and its limits.

What belongs here: values and their defaults. What does not: calls (`client`).
"""

import json
from dataclasses import dataclass, field

from wow_flywheel.settings import Settings


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """An endpoint and how to treat it.

    Attributes:
        base_url: OpenAI-compatible, such as `http://localhost:8000/v1`.
        model: The name that the endpoint serves.
        api_key: Never shown, logged or stored.
        max_in_flight: Calls under way at once, at most; how many of these are used follows what the endpoint takes.
        start_in_flight: Calls under way at once to begin with.
        timeout_s: Seconds that one call may take, from its start to the last byte.
        max_attempts: Tries of one call before it fails as `unavailable`.
        give_up_after: So many calls in a row that fail as `unavailable` end the run: the endpoint is down.
        backoff_s: First pause before a retry; it doubles, with jitter, up to 30 s.
        max_retry_after_s: The longest pause that an endpoint may ask for; asked for more, the call fails as `unavailable`.
        max_repairs: How often an unparsable answer is sent back for repair.
        temperature: Sampling temperature.
        max_tokens: Longest answer, in tokens.
        max_conversation_tokens: A conversation estimated longer than this is not sent (see `estimated_tokens`).
        price_per_million_prompt_tokens: US dollars, for the cost columns.
        price_per_million_completion_tokens: US dollars, for the cost columns.
        batch_price_share: What an answer costs through the Batch API, as a share of these.
    """

    base_url: str
    model: str
    api_key: str = field(repr=False, default="none")
    max_in_flight: int = 64
    start_in_flight: int = 8
    timeout_s: float = 60.0
    max_attempts: int = 5
    give_up_after: int = 32
    backoff_s: float = 1.0
    max_retry_after_s: float = 120.0
    max_repairs: int = 2
    temperature: float = 0.0
    max_tokens: int = 1024
    max_conversation_tokens: int = 16_000
    price_per_million_prompt_tokens: float = 0.0
    price_per_million_completion_tokens: float = 0.0
    batch_price_share: float = 0.5

    def parameters(self) -> dict[str, float | int]:
        """The sampling parameters of every call."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens}

    def parameters_json(self) -> str:
        """The same as JSON text, for the column `llm_parameters`."""
        return json.dumps(self.parameters(), sort_keys=True)

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Price of a call, in US dollars."""
        prompt = prompt_tokens * self.price_per_million_prompt_tokens
        return (prompt + completion_tokens * self.price_per_million_completion_tokens) / 1e6


def settings_from(settings: Settings, api_key: str | None) -> LlmSettings | None:
    """The endpoint that the environment configures; None if it configures none. Local endpoints need no key."""
    if settings.llm_base_url is None or settings.llm_model is None:
        return None
    return LlmSettings(base_url=settings.llm_base_url, model=settings.llm_model, api_key=api_key or "none")


def estimated_tokens(text: str) -> int:
    """A cautious guess at a text's tokens: a third of its ASCII characters, and one for each other (Chinese)."""
    ascii_characters = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return -(-ascii_characters // 3) + len(text) - ascii_characters

"""How to reach the endpoint, and its limits.

What belongs here: values and their defaults. What does not: calls (`client`).
"""

from dataclasses import dataclass, field

from wow_flywheel.settings import Settings


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """An endpoint and how to treat it.

    Attributes:
        base_url: OpenAI-compatible, such as `http://localhost:8000/v1`.
        model: The name that the endpoint serves.
        api_key: Never shown, logged or stored.
        max_in_flight: Calls under way at once, at most.
        timeout_s: Seconds that one call may take.
        max_attempts: Tries of one call before it fails as `unavailable`.
        backoff_s: First pause before a retry; it doubles, with jitter, up to 30 s.
        max_repairs: How often an unparsable answer is sent back for repair.
        temperature: Sampling temperature.
        max_tokens: Longest answer, in tokens.
        usd_per_million_prompt_tokens: Price, for the cost columns.
        usd_per_million_completion_tokens: Price, for the cost columns.
    """

    base_url: str
    model: str
    api_key: str = field(repr=False, default="none")
    max_in_flight: int = 32
    timeout_s: float = 60.0
    max_attempts: int = 5
    backoff_s: float = 0.5
    max_repairs: int = 2
    temperature: float = 0.0
    max_tokens: int = 1024
    usd_per_million_prompt_tokens: float = 0.0
    usd_per_million_completion_tokens: float = 0.0

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Price of a call, in US dollars."""
        prompt = prompt_tokens * self.usd_per_million_prompt_tokens
        return (prompt + completion_tokens * self.usd_per_million_completion_tokens) / 1e6


def settings_from(settings: Settings, api_key: str | None) -> LlmSettings | None:
    """The endpoint that the environment configures; None if it configures none. Local endpoints need no key."""
    if settings.llm_base_url is None or settings.llm_model is None:
        return None
    return LlmSettings(base_url=settings.llm_base_url, model=settings.llm_model, api_key=api_key or "none")

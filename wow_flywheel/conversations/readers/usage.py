"""How many tokens a call took, under any of the names that tools give them.

What belongs here: counts of request and reply. What does not: where a format keeps them.
"""

from wow_flywheel.conversations.readers.values import JsonObject, count_of

PROMPT = (
    "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "input", "prompt_token_count", "promptTokenCount",
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.promptTokens",
)  # fmt: skip
REPLY = (
    "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "output", "candidates_token_count",
    "candidatesTokenCount", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
    "ai.usage.completionTokens",
)  # fmt: skip


def usage_of(usage: JsonObject) -> dict[str, int | None] | None:
    """prompt_tokens and completion_tokens; None when neither is there."""
    counts = {"prompt_tokens": _count(usage, PROMPT), "completion_tokens": _count(usage, REPLY)}
    return counts if any(value is not None for value in counts.values()) else None


def _count(usage: JsonObject, names: tuple[str, ...]) -> int | None:
    return next((found for name in names if (found := count_of(usage.get(name))) is not None), None)

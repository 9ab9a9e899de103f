"""The one client of OpenAI-compatible endpoints: structured output, bounded concurrency, retries, a ledger of answers.

What belongs here: the light names that code may import without the `openai` package. What does not: anything else.
"""

from wow_flywheel.llm.settings import LlmSettings, settings_from

__all__ = ["LlmSettings", "settings_from"]

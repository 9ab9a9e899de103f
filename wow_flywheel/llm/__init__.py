"""The one client of OpenAI-compatible endpoints: structured output, bounded concurrency, retries, and a ledger."""

from wow_flywheel.llm.settings import LlmSettings, settings_from

__all__ = ["LlmSettings", "settings_from"]

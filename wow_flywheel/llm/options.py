"""What a user may set about the use of an endpoint: prices, budget, audit share, a second model, batches.

What belongs here: these variables, their defaults and checks. What does not: where the endpoint is (`wow_flywheel.settings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wow_flywheel.errors import SettingsError
from wow_flywheel.llm.settings import LlmSettings

PRICE_HINT = "a YAML mapping such as `gpt-4.1-mini: {prompt: 0.40, completion: 1.60}`, in US dollars per million tokens"


@dataclass(frozen=True, slots=True)
class LlmOptions:
    """How the endpoint is used.

    Attributes:
        prices: `WOW_LLM_PRICES`, a YAML file of prices by model, see `PRICE_HINT`; None means that calls count as free.
        budget_usd: `WOW_LLM_BUDGET_USD`, US dollars that each step that asks the endpoint may spend; None is no limit.
            It needs prices.
        budget_tokens: `WOW_LLM_BUDGET_TOKENS`, tokens that each such step may use; None is no limit.
        audit_share: `WOW_LLM_AUDIT_SHARE`, share of all conversations that the panel hears whatever they look like; 0 to 1.
        triage_share: `WOW_LLM_TRIAGE_SHARE`, share of all conversations that it hears as the triage ranks them first; 0 to 1.
        second_model: `WOW_LLM_SECOND_MODEL`, asked at the same endpoint where the first one is contested; None asks none.
        batch_hours: `WOW_LLM_BATCH_HOURS`, use the Batch API and wait so many hours for it; 0 hands in and comes back another
            day; None calls directly.
        max_in_flight: `WOW_LLM_MAX_IN_FLIGHT`, calls under way at once, at most.
        max_conversation_tokens: `WOW_LLM_MAX_CONVERSATION_TOKENS`, tokens of a conversation in one prompt; longer ones are
            heard in windows.
        max_tokens: `WOW_LLM_MAX_TOKENS`, longest answer in tokens, thinking aloud included.
        timeout_s: `WOW_LLM_TIMEOUT_S`, seconds that one call may take; a local server without a GPU may need many.
    """

    prices: Path | None
    budget_usd: float | None
    budget_tokens: int | None
    audit_share: float
    triage_share: float
    second_model: str | None
    batch_hours: float | None
    max_in_flight: int
    max_conversation_tokens: int
    max_tokens: int
    timeout_s: float

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "LlmOptions":
        """Read and check the options.

        Raises:
            SettingsError: A value is malformed; the message names its variable and what would be right.
        """
        prices = env.get("WOW_LLM_PRICES", "").strip()
        options = cls(
            prices=Path(prices) if prices else None,
            budget_usd=_number(env, "WOW_LLM_BUDGET_USD", None, 0, 1e9),
            budget_tokens=_whole(env, "WOW_LLM_BUDGET_TOKENS", None, 0, 10**15),
            audit_share=_number(env, "WOW_LLM_AUDIT_SHARE", 0.02, 0, 1) or 0.0,
            triage_share=_number(env, "WOW_LLM_TRIAGE_SHARE", 0.1, 0, 1) or 0.0,
            second_model=env.get("WOW_LLM_SECOND_MODEL", "").strip() or None,
            batch_hours=_number(env, "WOW_LLM_BATCH_HOURS", None, 0, 720),
            max_in_flight=_whole(env, "WOW_LLM_MAX_IN_FLIGHT", 64, 1, 4096) or 64,
            max_conversation_tokens=_whole(env, "WOW_LLM_MAX_CONVERSATION_TOKENS", 16_000, 500, 2_000_000) or 16_000,
            max_tokens=_whole(env, "WOW_LLM_MAX_TOKENS", 1024, 64, 1_000_000) or 1024,
            timeout_s=_number(env, "WOW_LLM_TIMEOUT_S", 60, 1, 86_400) or 60,
        )
        if options.budget_usd is not None and options.prices is None:
            raise SettingsError(
                "WOW_LLM_BUDGET_USD is set but WOW_LLM_PRICES is not: without prices nothing costs anything",
                hint=f"set WOW_LLM_PRICES to {PRICE_HINT}",
            )
        return options

    def applied(self, settings: LlmSettings) -> LlmSettings:
        """An endpoint's settings with these options and the price of its model.

        Raises:
            SettingsError: The price table cannot be read, or has no price for the model although a budget in money is set.
        """
        sized = replace(
            settings,
            max_in_flight=self.max_in_flight,
            max_conversation_tokens=self.max_conversation_tokens,
            max_tokens=self.max_tokens,
            timeout_s=self.timeout_s,
        )
        price = self._price(settings.model)
        if price is None:
            return sized
        return replace(sized, price_per_million_prompt_tokens=price[0], price_per_million_completion_tokens=price[1])

    def _price(self, model: str) -> tuple[float, float] | None:
        table = _price_table(self.prices) if self.prices else {}
        if model in table:
            return _priced(model, table[model], str(self.prices))
        if self.budget_usd is None:
            return None
        raise SettingsError(
            f"WOW_LLM_PRICES: {self.prices} has no price for {model}, but WOW_LLM_BUDGET_USD is set",
            hint=f"add it: the file is {PRICE_HINT}",
        )


def _price_table(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"WOW_LLM_PRICES: {path} cannot be read", hint=f"make it {PRICE_HINT}") from error
    if not isinstance(table, dict):
        raise SettingsError(f"WOW_LLM_PRICES: {path} is no mapping", hint=f"make it {PRICE_HINT}")
    return table


def _priced(model: str, entry: Any, path: str) -> tuple[float, float]:
    prices = [entry.get(name) for name in ("prompt", "completion")] if isinstance(entry, dict) else []
    numbers = [float(p) for p in prices if isinstance(p, int | float) and not isinstance(p, bool) and 0 <= p < 1e6]
    if len(numbers) != 2:
        raise SettingsError(f"WOW_LLM_PRICES: {path} has no two prices for {model}", hint=f"make it {PRICE_HINT}")
    return numbers[0], numbers[1]


def _number(env: Mapping[str, str], name: str, default: float | None, lowest: float, highest: float) -> float | None:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest:
        raise SettingsError(
            f"{name}={text!r} is no number from {lowest:g} to {highest:g}", hint=f"set {name} to one, or unset it"
        )
    return value


def _whole(env: Mapping[str, str], name: str, default: int | None, lowest: int, highest: int) -> int | None:
    value = _number(env, name, default, lowest, highest)
    if value is not None and value != int(value):
        raise SettingsError(f"{name}={value:g} is no whole number", hint=f"set {name} to one, or unset it")
    return None if value is None else int(value)

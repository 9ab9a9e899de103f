"""What a user may set about the use of an endpoint."""

from pathlib import Path

import pytest

from wow_flywheel.errors import SettingsError
from wow_flywheel.llm.options import LlmOptions
from wow_flywheel.llm.settings import LlmSettings

ENDPOINT = LlmSettings("http://e/v1", "m")


def test_the_defaults() -> None:
    options = LlmOptions.from_env({})
    assert (options.audit_share, options.max_in_flight, options.max_conversation_tokens) == (0.02, 64, 16_000)
    assert (options.prices, options.budget_usd, options.budget_tokens, options.batch_hours) == (None, None, None, None)
    assert options.applied(ENDPOINT) == ENDPOINT


def test_a_slow_server_gets_more_time_and_a_model_that_thinks_longer_answers() -> None:
    options = LlmOptions.from_env({"WOW_LLM_TIMEOUT_S": "900", "WOW_LLM_MAX_TOKENS": "4096"})
    endpoint = options.applied(ENDPOINT)
    assert (endpoint.timeout_s, endpoint.max_tokens) == (900, 4096)


def test_prices_go_by_model(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("m: {prompt: 0.4, completion: 1.6}\nother: {prompt: 9, completion: 9}\n")
    options = LlmOptions.from_env({"WOW_LLM_PRICES": str(table), "WOW_LLM_BUDGET_USD": "5", "WOW_LLM_AUDIT_SHARE": "0"})
    assert options.audit_share == 0.0
    assert options.applied(ENDPOINT).cost_usd(1_000_000, 500_000) == pytest.approx(0.4 + 0.8)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"WOW_LLM_BUDGET_USD": "5"}, "WOW_LLM_PRICES is not"),
        ({"WOW_LLM_BUDGET_TOKENS": "many"}, "WOW_LLM_BUDGET_TOKENS='many'"),
        ({"WOW_LLM_BUDGET_TOKENS": "1.5"}, "WOW_LLM_BUDGET_TOKENS=1.5 is no whole number"),
        ({"WOW_LLM_AUDIT_SHARE": "2"}, "from 0 to 1"),
        ({"WOW_LLM_BATCH_HOURS": "-1"}, "WOW_LLM_BATCH_HOURS"),
        ({"WOW_LLM_MAX_IN_FLIGHT": "0"}, "WOW_LLM_MAX_IN_FLIGHT"),
        ({"WOW_LLM_TIMEOUT_S": "0"}, "WOW_LLM_TIMEOUT_S"),
        ({"WOW_LLM_MAX_TOKENS": "12.5"}, "WOW_LLM_MAX_TOKENS"),
    ],
)
def test_a_malformed_value_is_named(env: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        LlmOptions.from_env(env)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("- m", "is no mapping"),
        ("m: {prompt: 1}", "no two prices for m"),
        ("m: {prompt: -1, completion: 1}", "no two prices for m"),
        ("m: {prompt: true, completion: 1}", "no two prices for m"),
        ("other: {prompt: 1, completion: 1}", "has no price for m"),
        ("m: [", "cannot be read"),
    ],
)
def test_a_table_without_the_price_is_named(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "p.yaml").write_text(table)
    options = LlmOptions.from_env({"WOW_LLM_PRICES": str(tmp_path / "p.yaml"), "WOW_LLM_BUDGET_USD": "1"})
    with pytest.raises(SettingsError, match=said):
        options.applied(ENDPOINT)

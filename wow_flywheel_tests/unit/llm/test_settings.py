"""The endpoint as the environment configures it."""

import subprocess
import sys

import pytest

from wow_flywheel.llm import LlmSettings, settings_from
from wow_flywheel.llm.settings import estimated_tokens
from wow_flywheel.settings import Settings

ENDPOINT = {"WOW_LLM_BASE_URL": "http://localhost:8000/v1/", "WOW_LLM_MODEL": "judge"}


def test_no_endpoint_no_settings() -> None:
    assert settings_from(Settings.from_env({}), "key") is None


def test_the_environment_names_the_endpoint() -> None:
    found = settings_from(Settings.from_env(ENDPOINT), "secret")
    assert found == LlmSettings(base_url="http://localhost:8000/v1", model="judge", api_key="secret")


@pytest.mark.parametrize("key", [None, ""])
def test_a_local_endpoint_needs_no_key(key: str | None) -> None:
    found = settings_from(Settings.from_env(ENDPOINT), key)
    assert found is not None
    assert found.api_key == "none"


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(LlmSettings("http://h/v1", "judge", "secret"))


def test_cost_follows_the_prices() -> None:
    settings = LlmSettings("http://h/v1", "judge", price_per_million_prompt_tokens=2.0, price_per_million_completion_tokens=8.0)
    assert settings.cost_usd(500_000, 250_000) == 1.0 + 2.0


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("abc", 1), ("abcd", 2), ("退款", 2), ("abc退款", 3)])
def test_tokens_are_estimated_with_care(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


def test_importing_the_client_brings_no_openai() -> None:
    code = "import sys, wow_flywheel.llm.client, wow_flywheel.inspection.panel; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""A day with an endpoint, on a real instance: the panel's plan, its budget and its traces in the asset's metadata."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from wow_flywheel.lake import Lake
from wow_flywheel_tests.defs.conftest import DAY, conversation, write_logs
from wow_flywheel_tests.integration.faulty_endpoint import FaultyEndpoint
from wow_flywheel_tests.integration.panel_world import LIE, judge

HACK = "Hello, <script>alert(1)</script> my tea is late."
TALKS = [
    conversation(1, "Where is parcel 31?", LIE, "No, it was not. This is useless!", "I am sorry.", thumb="down"),
    conversation(2, HACK, "I am sorry, it arrives at noon.", "Thank you, great!", thumb="up"),
]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyEndpoint]:
    with FaultyEndpoint(judge) as running:
        monkeypatch.setenv("WOW_LLM_BASE_URL", running.base_url)
        monkeypatch.setenv("WOW_LLM_MODEL", "judge")
        yield running


def test_the_panels_day_shows_its_plan_its_rates_and_its_traces(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "prices.yaml").write_text("judge: {prompt: 1.0, completion: 2.0}")
    monkeypatch.setenv("WOW_LLM_PRICES", str(place / "prices.yaml"))
    monkeypatch.setenv("WOW_LLM_BUDGET_USD", "3")
    monkeypatch.setenv("WOW_LLM_AUDIT_SHARE", "1")
    write_logs(place, TALKS)
    result = nightly()
    assert result.success
    shown = {e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()}
    plan, traces = (str(shown["panel_calls"][name].value) for name in ("plan", "traces"))
    assert "| budget | 3.00 USD |" in plan
    assert "| heard by the panel | 2 (2 audit" in plan
    assert "### adjudicator, window 0 — answered" in traces
    assert f'    {{"turn": 1, "role": "assistant", "content": "{LIE}"}}' in traces
    assert "<script>" not in traces
    assert all(line.startswith("    ") for line in traces.splitlines() if "script" in line)
    assert shown["inspection_audit"]["rates"].value.startswith("| dt | issue_type | sampled |")
    calls = lake.read("panel_calls", dt.date.fromisoformat(DAY))
    assert set(calls["conversation_id"]) == {"c-1", "c-2"}
    assert calls["cost_usd"].min() == pytest.approx((100 * 1 + 10 * 2) / 1e6)
    assert set(lake.read("verdicts", dt.date.fromisoformat(DAY))["inspected_by"]) == {"evidence+panel"}


def test_a_budget_of_nothing_asks_nothing_and_sends_everything_chosen_to_people(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WOW_LLM_BUDGET_TOKENS", "0")
    write_logs(place, TALKS)
    assert nightly().success
    assert endpoint.requests == []
    cases = lake.read("cases", dt.date.fromisoformat(DAY))
    assert set(cases["label"]) == {"review"}
    assert "over_budget" in str(cases["reasons"].to_list())

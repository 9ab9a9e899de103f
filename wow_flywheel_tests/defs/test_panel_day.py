"""A day with an endpoint, on a real instance: the panel's plan, its budget and its traces in the asset's metadata."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from wow_flywheel.lake import Lake
from wow_flywheel_tests.defs.conftest import DAY, conversation, write_logs
from wow_flywheel_tests.integration.faulty_endpoint import Body, FaultyEndpoint
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
    monkeypatch.setenv("WOW_LLM_TRIAGE_SHARE", "1")
    write_logs(place, TALKS)
    result = nightly(until=["inspection_audit"])
    assert result.success
    shown = {e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()}
    plan, traces = (str(shown["panel_calls"][name].value) for name in ("plan", "traces"))
    assert "| budget | 3.00 USD |" in plan
    assert "| heard by the panel | 2 (2 audit" in plan
    assert "2 triage" in plan
    assert "### adjudicator, window 0 — answered" in traces
    assert f'    {{"turn": 1, "role": "assistant", "content": "{LIE}"}}' in traces
    assert "<script>" not in traces
    assert all(line.startswith("    ") for line in traces.splitlines() if "script" in line)
    assert shown["inspection_audit"]["rates"].value.startswith("| dt | issue_type | sampled |")
    calls = lake.read("panel_calls", dt.date.fromisoformat(DAY))
    assert set(calls["conversation_id"]) == {"c-1", "c-2"}
    assert calls["cost_usd"].min() == pytest.approx((100 * 1 + 10 * 2) / 1e6)
    assert set(lake.read("verdicts", dt.date.fromisoformat(DAY))["inspected_by"]) == {"evidence+panel"}


PLANTED, TOLD = "+1 415 555 0173", "+1 415 555 0198"


def test_no_phone_number_is_in_traces_claims_verdicts_or_metadata(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint
) -> None:
    """Neither the customer's, which the log holds, nor one that the model says in its reasons and in what it quotes."""

    def talkative(body: Body) -> str:
        said = json.loads(judge(body))
        for part in [said, *said.get("rulings", []), *said.get("claims", [])]:
            part.update({name: f"call {TOLD}" for name in ("reason", "explanation") if name in part})
        if "is incomplete_solution" in body["messages"][-1]["content"]:
            said["claims"][0]["quote"] = f"Call me on {TOLD}."
        return json.dumps(said)

    endpoint.answer = talkative
    talk = conversation(1, f"Where is parcel 31? Call {PLANTED}!", LIE, "No, it was not. Useless!", "I am sorry.", thumb="down")
    write_logs(place, [talk])
    result = nightly(until=["cases"])
    assert result.success
    day = dt.date.fromisoformat(DAY)
    tables = {name: lake.read(name, day) for name in ("conversations", "panel_calls", "inspections", "verdicts", "cases")}
    written = {name: json.dumps(frame.to_dicts(), default=str) for name, frame in tables.items()}
    shown = [str(event.materialization.metadata) for event in result.get_asset_materialization_events()]
    for number in (PLANTED, TOLD):
        for form in (number, number[-8:], number[-4:]):
            assert [name for name, text in written.items() if form in text] == []
            assert not any(form in text for text in shown)
    assert "call <PHONE_2>" in written["panel_calls"]
    assert "call <PHONE_2>" in written["verdicts"]
    assert "Call me on <PHONE_2>." in written["inspections"]
    assert LIE in tables["inspections"].filter(kind="llm")["quote"].to_list()


@pytest.mark.slow
def test_a_budget_of_nothing_asks_nothing_and_sends_everything_chosen_to_people(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WOW_LLM_BUDGET_TOKENS", "0")
    write_logs(place, TALKS)
    assert nightly(until=["cases"]).success
    assert endpoint.requests == []
    cases = lake.read("cases", dt.date.fromisoformat(DAY))
    assert set(cases["label"]) == {"review"}
    assert "over_budget" in str(cases["reasons"].to_list())


@pytest.mark.slow
def test_a_night_again_ranks_as_the_first_time_although_the_panel_has_spoken(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint
) -> None:
    write_logs(place, TALKS)
    ranks = []
    for _ in range(2):
        assert nightly().success
        ranks.append(lake.read("triage", dt.date.fromisoformat(DAY)))
    assert_frame_equal(*ranks)
    assert "evidence+panel" in set(lake.read("verdicts", dt.date.fromisoformat(DAY))["inspected_by"])


def test_recognition_gives_rules_and_panel_the_policies_of_what_the_log_does_not_name(
    place: Path, lake: Lake, nightly, endpoint: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One log names its scenario, one names none, and one names one that no policy governs."""
    monkeypatch.setenv("WOW_LLM_AUDIT_SHARE", "1")
    (place / "policies").mkdir()
    texts = {"delivery": "Where is my tea? A late parcel earns a voucher.", "billing": "A bill is corrected within a week."}
    for name, text in texts.items():
        (place / "policies" / f"{name}.yaml").write_text(json.dumps({"text": text, "required_steps": [f"open {name}"]}))
    parcel = ("Where is my tea, is the parcel late?", "A late parcel earns a voucher.", "Thank you!", "Bye.")
    named, unnamed, foreign = (conversation(number, *parcel) for number in (1, 2, 3))
    del unnamed["scenario"]
    foreign["scenario"] = "small talk"
    write_logs(place, [named, unnamed, foreign])
    result = nightly(until=["inspections"])
    assert result.success
    shown = {e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()}
    assert shown["policy_matches"]["scenario by recognition"].value == 1
    assert "| scenario named by the log | 2 |" in shown["policy_matches"]["scenarios"].value
    calls = lake.read("panel_calls", dt.date.fromisoformat(DAY))
    asked = calls.filter(step="policy").sort("conversation_id")
    assert asked["conversation_id"].to_list() == ["c-1", "c-2"]
    assert all("open delivery" in prompt and "open billing" not in prompt for prompt in asked["prompt"])
    assert set(calls.filter(step="empathy")["conversation_id"]) == {"c-1", "c-2", "c-3"}
    assert "| llm_without_policy | 1 |" in shown["inspections"]["counts"].value


def test_a_rule_for_a_scenario_goes_by_the_recognised_one_and_the_table_by_the_log(
    place: Path, lake: Lake, nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "rules.yaml").write_text("delivery: {overlong_reply: {max_bytes: 10}}\n")
    monkeypatch.setenv("WOW_RULES", str(place / "rules.yaml"))
    (place / "policies").mkdir()
    (place / "policies" / "delivery.yaml").write_text(json.dumps({"text": "A late parcel earns a voucher."}))
    parcel = ("The parcel is late.", "A late parcel earns a voucher.", "Thank you!", "Bye.")
    unnamed, foreign = (conversation(number, *parcel) for number in (1, 2))
    del unnamed["scenario"]
    foreign["scenario"] = "small talk"
    write_logs(place, [unnamed, foreign])
    assert nightly(until=["rule_findings"]).success
    found = lake.read("rule_findings", dt.date.fromisoformat(DAY)).filter(rule_id="overlong_reply")
    assert set(found.select("conversation_id", "scenario").rows()) == {("c-1", "unknown")}

"""A day through the whole job, on a real instance: ordinary days, and the days that go wrong."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import DECISIONS, FINDING_DECISIONS
from wow_flywheel.lake import Lake
from wow_flywheel_tests.defs.conftest import DAY, checks, conversation, step_failures, write_logs
from wow_flywheel_tests.unit.cases.rows import conversations

DAILY_TABLES = (
    "conversations", "quarantine", "fingerprints", "duplicates", "policy_matches", "rule_findings", "satisfaction",
    "satisfaction_daily", "triage", "inspections", "verdicts", "panel_calls", "inspection_audit", "cases", "rewrite_candidates",
    "preference_pairs",
)  # fmt: skip
SAME = "Please wait while I look into your delivery for you."
REPEATED = conversation(1, "Where is my parcel number 31?", SAME, "And now, where is it?", SAME, "Bad.", thumb="down")
CALM = conversation(2, "Hello, my tea is late.", "I am sorry, it arrives at noon.", "Thank you, great!", thumb="up")


def test_a_day_is_labelled_shows_what_it_made_and_running_it_again_changes_nothing(place: Path, lake: Lake, nightly) -> None:
    write_logs(place, [REPEATED, CALM])
    first = nightly()
    before = {name: lake.read(name, dt.date.fromisoformat(DAY)) for name in DAILY_TABLES}
    second = nightly()
    assert first.success
    assert second.success
    assert before["conversations"]["conversation_id"].to_list() == ["c-1", "c-2"]
    assert "script_repetition" in before["rule_findings"].filter(conversation_id="c-1")["issue_type"].to_list()
    assert dict(before["satisfaction"].select("conversation_id", "satisfied").iter_rows()) == {"c-1": False, "c-2": True}
    assert before["cases"].height == 2
    for name, rows in before.items():
        assert rows.equals(lake.read(name, dt.date.fromisoformat(DAY))), name
    shown = {e.asset_key.to_user_string(): e.materialization.metadata for e in first.get_asset_materialization_events()}
    assert set(shown) == set(DAILY_TABLES)
    assert shown["conversations"]["dagster/row_count"].value == 2
    assert shown["cases"]["dagster/uri"].value == str(place / "lake" / "cases")
    assert "data:image/png;base64," in shown["cases"]["last 14 days"].value


def test_an_empty_day_passes_with_a_warning(place: Path, lake: Lake, nightly) -> None:
    (place / "logs" / f"dt={DAY}").mkdir()
    result = nightly()
    told = checks(result)["conversations.has_conversations"]
    assert result.success
    assert (told.passed, told.severity.value) == (False, "WARN")
    assert told.description == "no conversations on this day: 0 log files with 0 lines"
    assert all(lake.read(name).is_empty() for name in DAILY_TABLES)


def test_a_day_without_a_folder_passes_with_the_same_warning(place: Path, nightly) -> None:
    result = nightly(until=["conversations"])
    assert result.success
    assert not checks(result)["conversations.has_conversations"].passed


def test_a_day_of_one_conversation(place: Path, lake: Lake, nightly) -> None:
    write_logs(place, [CALM])
    assert nightly(until=["cases"]).success
    assert lake.read("cases")["conversation_id"].to_list() == ["c-2"]


def test_a_day_with_every_line_broken_stops_with_a_clear_check(place: Path, lake: Lake, nightly) -> None:
    write_logs(place, ["{not json", '{"conversation_id": 3}'])
    result = nightly()
    told = checks(result)["conversations.most_lines_readable"]
    assert not result.success
    assert step_failures(result)["ingest"].startswith("2 of 2 lines are quarantined; the table `quarantine` says why")
    assert (told.passed, told.blocking, told.severity.value) == (False, True, "ERROR")
    assert lake.read("quarantine").height == 2
    assert not lake.exists("rule_findings")


def test_a_missing_source_is_a_plain_failure_that_is_not_retried(place: Path, nightly) -> None:
    (place / "logs").rmdir()
    result = nightly()
    assert step_failures(result)["ingest"] == f"{place}/logs: no such folder or file → check WOW_LOGS_URI"
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


@pytest.mark.slow
def test_a_persons_decision_survives_a_rerun(place: Path, lake: Lake, nightly) -> None:
    write_logs(place, [REPEATED, CALM])
    assert nightly().success
    decided = {
        "dt": [dt.date.fromisoformat(DAY)], "conversation_id": ["c-1"], "label": ["good"], "decided_by": ["ana"],
        "decided_at": [dt.datetime(2026, 1, 6, tzinfo=dt.UTC)], "note": ["the customer was joking"],
    }  # fmt: skip
    lake.append("decisions", pl.DataFrame(decided, schema=pl.Schema(DECISIONS.columns)))
    of_it = {"conversation_id": "c-1", "issue_type": "script_repetition", "decision": "accepted"}
    claim = lake.read("inspections").filter(**of_it).row(0, named=True)
    said = {name: claim[name] for name in ("dt", "conversation_id", "turn", "issue_type", "quote")}
    word = {**said, "decision": "rejected", "decided_by": "ana", "decided_at": decided["decided_at"][0], "note": None}
    lake.append("finding_decisions", pl.DataFrame([word], schema=pl.Schema(FINDING_DECISIONS.columns)))
    for _ in range(2):
        assert nightly().success
        case = lake.read("cases").filter(conversation_id="c-1").row(0, named=True)
        assert (case["label"], case["decided_by"]) == ("good", "ana")
        assert "script_repetition" not in case["issue_types"]
        again = lake.read("inspections").filter(conversation_id="c-1", turn=claim["turn"], inspector=claim["inspector"])
        assert again.select("decision", "adjudication", "decided_by").row(0) == ("rejected", "accepted", "ana")


def test_no_secret_and_no_raw_text_reaches_the_instance(place: Path, nightly, monkeypatch) -> None:
    monkeypatch.setenv("WOW_LLM_API_KEY", "sk-planted-secret-1")
    mail, words = "planted.person@example.org", "zebra-striped umbrella"
    write_logs(place, [conversation(1, f"My mail is {mail}, my {words} is late.", "I am sorry."), f"{{broken {mail} {words}"])
    result = nightly()
    stored = b"".join(path.read_bytes() for path in (place / "instance").rglob("*") if path.is_file())
    assert result.run_id.encode() in stored
    for planted in ("sk-planted-secret-1", mail, words):
        assert planted.encode() not in stored, planted


def test_a_day_far_from_the_usual_number_is_a_warning(place: Path, lake: Lake, nightly) -> None:
    for day in range(1, 5):
        date = dt.date(2026, 1, day)
        lake.replace("conversations", conversations(*(f"{day}-{i}" for i in range(9))).with_columns(dt=pl.lit(date)), date)
    write_logs(place, [CALM])
    result = nightly(until=["conversations"])
    told = checks(result)["conversations.volume_usual"]
    assert result.success
    assert (told.passed, told.severity.value) == (False, "WARN")
    assert told.description.endswith("seen: 0.11 times the usual number; allowed 0.5 to 2")


@pytest.mark.slow
def test_a_users_severity_decides_what_stops_the_day(place: Path, nightly, monkeypatch) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi", "Thanks!") | {"scenario": None}])
    checks_file = place / "checks.yaml"
    monkeypatch.setenv("WOW_CHECKS", str(checks_file))
    checks_file.write_text("conversations: {severity: {scenario_known: warn}}")
    assert nightly().success
    checks_file.write_text("conversations: {severity: {scenario_known: error}}")
    result = nightly()
    told = checks(result)["conversations.scenario_known"]
    assert (result.success, told.passed, told.severity.value) == (False, False, "ERROR")
    assert "conversations that break it" not in told.metadata
    checks_file.write_text("conversations: {unknown_scenario: 1, severity: {scenario_known: error}}")
    assert nightly().success
    checks_file.write_text("conversations: {unknown_scenari: 1}")
    (message,) = step_failures(nightly()).values()
    assert message.endswith("no threshold is called 'unknown_scenari' → did you mean unknown_scenario?")

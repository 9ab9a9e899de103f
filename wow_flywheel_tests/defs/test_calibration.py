"""Calibration, the agreement gate and stale policies on a real instance."""

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.contracts import CALIBRATION
from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.definitions import defs
from wow_flywheel.defs.calibration.sources import own
from wow_flywheel.defs.inspection import triage
from wow_flywheel.defs.policies.sensor import changed_policies
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.schedules import calibrate_schedule, nightly_schedule
from wow_flywheel.inspection.calibration.measure import counted
from wow_flywheel.lake import Lake
from wow_flywheel.rules.registry import load_rules
from wow_flywheel_tests.defs.conftest import DATASETS, DAY, checks, conversation, step_failures, write_logs
from wow_flywheel_tests.defs.test_cycle import _all_good, _run

TODAY = dt.date.fromisoformat(DAY)
CALM = ("Where is my tea?", "It comes in 5 minutes.", "Thanks!", "You are welcome.")


def calibrated(lake: Lake, found: int, claims: int) -> None:
    """One row of calibration: `found` of 60 planted hallucinations, of so many claims."""
    row = counted(TODAY, "planted", "*", "evidence", "hallucination", 60, found, claims, found)
    lake.replace("calibration", CALIBRATION.conform(pl.DataFrame([row], schema=CALIBRATION.columns)), TODAY)


def policy(place: Path, text: str) -> None:
    (place / "policies").mkdir(exist_ok=True)
    (place / "policies" / "late.yaml").write_text(json.dumps({"scenario": "delivery", "text": text}))


@pytest.fixture
def tick(instance: dg.DagsterInstance):
    """Evaluates the sensor of changed policies."""
    return lambda: changed_policies(dg.build_sensor_context(instance=instance, resources={"flywheel": Flywheel()}))


def test_the_job_measures_planted_defects_and_ranks_the_day(place: Path, lake: Lake, nightly, instance) -> None:
    write_logs(place, [conversation(1, *CALM, thumb="up"), conversation(2, "My tea is cold!", "No.", "Useless.", "No.")])
    night = nightly(until=["cases"])
    assert night.success
    result = defs.resolve_job_def("calibrate").execute_in_process(instance=instance, partition_key=DAY)
    assert result.success
    rows = lake.read("calibration", TODAY)
    assert set(rows["locale"]) == {"en", "zh", "*"}
    layers = rows.filter(locale="*", inspector="evidence", basis="planted")
    assert layers.height == 8
    assert layers.filter(issue_type="hallucination")["recall"].item() > 0.9
    assert lake.read("triage", TODAY)["need_rank"].to_list() == [1, 2]
    assert [clean.conversations["conversation_id"].to_list() for clean in own(Flywheel(), TODAY, 5)] == [[f"own/{DAY}/c-1"]]
    shown = {e.asset_key.to_user_string(): e.materialization.metadata for e in result.get_asset_materialization_events()}
    assert "data:image/png;base64," in shown["calibration"]["trend of recall"].value
    assert "hallucination" in shown["calibration"]["planted defects"].value
    at_night = {e.asset_key.to_user_string(): e.materialization.metadata for e in night.get_asset_materialization_events()}
    assert at_night["triage"]["learned from"].value == 0
    assert at_night["triage"]["inspections to 80 % recall"].value == "too few labels to tell"
    steps = [event.step_key for event in night.all_events if event.is_step_success]
    assert steps.index("triage") < steps.index("inspections")


def test_labels_that_fell_stop_the_pairs_until_a_limit_is_changed(place: Path, lake: Lake, nightly, monkeypatch) -> None:
    write_logs(place, [conversation(1, *CALM)])
    calibrated(lake, 30, 70)
    result = nightly()
    assert not result.success
    told = checks(result)["cases.labels_agree"]
    assert not told.passed
    assert told.description == "evidence at hallucination: precision 0.43 on planted defects, below 0.7"
    assert "agreement" in next(iter(step_failures(result).values()))
    assert lake.exists("cases")
    assert not lake.exists("preference_pairs")
    (place / "checks.yaml").write_text("agreement: {planted_precision: 0.3}\nconversations: {volume: 3}\n")
    monkeypatch.setenv("WOW_CHECKS", str(place / "checks.yaml"))
    assert nightly(until=["cases"]).success


@pytest.mark.slow
def test_good_labels_and_no_evidence_let_the_night_go_on_and_say_what_they_rest_on(place: Path, lake: Lake, nightly) -> None:
    write_logs(place, [conversation(1, *CALM)])
    first = nightly()
    assert first.success
    assert "nothing to judge by" in checks(first)["cases.labels_agree"].description
    calibrated(lake, 55, 57)
    second = nightly()
    assert second.success
    assert f"calibration of {DAY}" in checks(second)["cases.labels_agree"].description


@pytest.mark.slow
def test_a_changed_policy_runs_the_days_again_that_rest_on_it(place: Path, nightly, tick) -> None:
    write_logs(place, [conversation(1, *CALM)])
    policy(place, "A late delivery earns a voucher of 5 dollars.")
    assert nightly().success
    assert isinstance(tick(), dg.SkipReason)
    policy(place, "A late delivery earns a voucher of 8 dollars.")
    asked = tick().run_requests
    assert [request.partition_key for request in asked] == [DAY]
    assert asked[0].run_key == tick().run_requests[0].run_key
    assert asked[0].tags["policies"] == "late changed"
    assert nightly().success
    assert isinstance(tick(), dg.SkipReason)
    policy(place, "A late delivery earns a voucher of 5 dollars.")
    back = tick().run_requests[0].run_key
    assert nightly().success
    policy(place, "A late delivery earns a voucher of 8 dollars.")
    assert len({asked[0].run_key, back, tick().run_requests[0].run_key}) == 3, "Dagster drops a run key that it has had"


def test_what_a_changed_policy_made_stale_waits_for_the_rerun_outside_of_the_cycle(
    place: Path, lake: Lake, nightly, tick, instance
) -> None:
    talks = [conversation(i, f"Hello, my tea number {i} is late.", "It arrives at noon.", "Thanks, great!", thumb="up")
             for i in range(12)]  # fmt: skip
    refund = [{**talk, "scenario": "refund"} for talk in talks[:4]]
    write_logs(place, [*refund, *talks[4:]])
    lake.append("decisions", _all_good(12))
    policy(place, "A late delivery earns a voucher of 5 dollars.")
    assert nightly(until=["cases"]).success

    def learnt() -> set[str]:
        return set(build_datasets(lake, DAY, [TODAY]).sft["conversation_id"])

    before = learnt()
    policy(place, "A late delivery earns a voucher of 8 dollars.")
    result = tick()
    marked = set(lake.read("stale_cases")["conversation_id"])
    assert marked == {f"c-{i}" for i in range(4, 12)}
    (shown,) = [event for event in result.asset_events if event.asset_key == dg.AssetKey("cases")]
    assert shown.partition == DAY
    assert "| late | 8 |" in shown.metadata["stale"].value
    assert learnt() == before - marked != before
    only = [dg.AssetKey("policy_matches")]
    assert (
        defs.resolve_job_def("nightly").execute_in_process(instance=instance, partition_key=DAY, asset_selection=only).success
    )
    tick()
    assert set(lake.read("stale_cases")["conversation_id"]) == marked, "matches alone judge nothing anew"
    assert nightly().success
    assert lake.read("stale_cases").is_empty()
    assert learnt() == before


def test_calibration_follows_the_night_that_it_looks_at() -> None:
    at = dt.datetime(2026, 1, 6, 4, 0, tzinfo=dt.UTC)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        request = calibrate_schedule(context)
    assert request.partition_key == DAY
    minute_and_hour = [schedule.cron_schedule.split()[:2][::-1] for schedule in (nightly_schedule, calibrate_schedule)]
    assert [int(hour) for hour, _ in minute_and_hour] == [2, 4]


@pytest.mark.slow
def test_labels_that_fell_stop_training_too(place: Path, lake: Lake, nightly, instance, monkeypatch) -> None:
    monkeypatch.setenv("WOW_MODEL", "org/model")
    rest = ("I am sorry, it arrives at noon.", "Thank you, great!")
    write_logs(place, [conversation(i, f"Hello, my tea number {i} is late.", *rest, thumb="up") for i in range(20)])
    assert nightly().success
    calibrated(lake, 30, 70)
    result = _run(instance, *DATASETS, "sft_model")
    assert not checks(result)["sft_dataset.labels_agree"].passed
    assert checks(result)["sft_dataset.labels_agree"].blocking
    assert lake.exists("sft_dataset")
    assert {event.step_key for event in result.all_events if event.is_step_start} >= {"datasets"}
    assert not any(event.is_step_start and event.step_key == "sft_model" for event in result.all_events)


def test_rules_are_measured_as_the_team_runs_them(place: Path, monkeypatch) -> None:
    """A team that switched a rule off must see what that costs."""
    from wow_flywheel.defs.calibration import assets

    monkeypatch.setattr(assets, "CONVERSATIONS", 12)
    monkeypatch.setattr(assets, "EACH", 4)

    def found() -> int:
        rows = assets.planted_rows(Flywheel(), TODAY).filter(locale="*", inspector="rules", issue_type="poor_empathy")
        return rows["found"].item()

    assert found() > 0
    off = {rule.rule_id: "off" for rule in load_rules() if rule.issue_type == "poor_empathy"}
    (place / "rules.yaml").write_text(json.dumps({"*": off}))
    monkeypatch.setenv("WOW_RULES", str(place / "rules.yaml"))
    assert found() == 0


def test_the_triage_does_not_learn_the_rating_from_the_rating(place: Path, lake: Lake, nightly) -> None:
    said = ("Where is my tea?", "It comes in 5 minutes.", "Okay.", "You are welcome.")
    write_logs(place, [conversation(1, *said, thumb="up"), conversation(2, *said, thumb="down")])
    assert nightly(until=["verdicts"]).success
    assert lake.read("verdicts", TODAY)["satisfied_score"].n_unique() == 2
    earlier = triage.labelled_days(lake, TODAY + dt.timedelta(days=1), lake.read("decisions").select("dt", "conversation_id"))
    learned = triage.by_evidence(triage.without_ratings(earlier), Flywheel())
    assert learned["verdicts"].height == 2
    assert learned["verdicts"]["satisfied_score"].n_unique() == 1

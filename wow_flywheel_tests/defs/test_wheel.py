"""The main job: its order, what it makes of refusals and failures, and what it shows.

The parts that play and train are stood in for by quick ones; the real ones run in the demo.
"""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.contracts import EVALUATIONS
from wow_flywheel.definitions import defs
from wow_flywheel.defs.console import failure_message
from wow_flywheel.defs.flywheel import job as wheel_job
from wow_flywheel.defs.flywheel.production import stream
from wow_flywheel.defs.flywheel.report import as_markdown, as_text, case_rows, metric_rows
from wow_flywheel.defs.flywheel.turn import Turn, metrics_of, next_day
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import PermanentError
from wow_flywheel.lake import Lake
from wow_flywheel.release.decision import Decision
from wow_flywheel_tests.defs.conftest import conversation, write_logs

REFUSED = Decision(passed=False, reason="rr did not improve: +0.08; usm2 fell", baseline="0001-base", candidate="c", checks=())
TURN = Turn(
    "2026-01-05", (dt.date(2026, 1, 5),), {"good": 3, "bad": 2}, 7, "0001-base", "2026-01-05-dpo", {"rr": (0.5, 0.25)}, REFUSED
)


def test_the_tables_show_each_turn() -> None:
    assert metric_rows([TURN]) == [
        ["cycle", "model in use → candidate", "RR ↓"],
        ["2026-01-05", "0001-base → 2026-01-05-dpo", "50.0% → 25.0%"],
    ]
    cases = case_rows([TURN])
    assert cases[0] == ["cycle", "days", "good", "bad", "failed", "review", "pairs", "gate"]
    assert cases[1] == [
        "2026-01-05",
        "2026-01-05",
        "3",
        "2",
        "0",
        "0",
        "7",
        "refused, because rr did not improve: +0.08; and 1 more",
    ]
    assert as_markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert as_text([["a", "b"], ["100", "2"]]) == "a    b\n100  2"


def test_the_end_to_end_value_of_a_metric_is_shown_whatever_the_order_of_the_tables_rows(lake: Lake) -> None:
    common = {"cycle": "2026-01-05", "metric": "rr", "n": 9, "higher_is_better": False}
    rows = [
        common | {"model": model, "kind": kind, "value": value}
        for kind, values in (("offline", (0.2, 0.0)), ("simulated", (0.5, 0.1)), ("repair", (0.3, 0.3)))
        for model, value in zip(("old", "new"), values, strict=True)
    ]
    for frame in (pl.DataFrame(rows), pl.DataFrame(rows[::-1])):
        lake.replace("evaluations", EVALUATIONS.conform(frame), "2026-01-05")
        assert metrics_of(lake, "2026-01-05", "old", "new") == {"rr": (0.5, 0.1)}


def test_own_logs_without_a_model_are_labelled_and_the_note_says_why_nothing_was_trained(
    place: Path, lake: Lake, instance, capfd
) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi, how can I help?", "Thank you!", thumb="up")])
    write_logs(place, [conversation(2, "Hello", "Hi, how can I help?", "Thanks!", day="2026-01-06")], day="2026-01-06")
    result = _wheel(instance, {"newest": 1})
    assert result.success
    assert lake.read("cases")["conversation_id"].to_list() == ["c-2"]
    assert "no cycle: there is no model to train, set WOW_MODEL" in capfd.readouterr().out
    sub_runs = instance.get_runs(filters=dg.RunsFilter(tags={"wow/parent_run": result.run_id}))
    assert [(run.job_name, run.tags["dagster/partition"], run.status.value) for run in sub_runs] == [
        ("nightly", "2026-01-06", "SUCCESS")
    ]


def test_a_failed_sub_run_fails_the_wheel_with_its_id_step_and_message(place: Path, instance) -> None:
    write_logs(place, ["{broken"])
    result = _wheel(instance, {})
    sub_run = next(run for run in instance.get_runs() if run.job_name == "nightly")
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert failure_message(failure) == (
        f"nightly 2026-01-05 failed in run {sub_run.run_id}, step ingest: "
        "1 of 1 lines are quarantined; the table `quarantine` says why → fix the log or the reader, "
        "then `wow-flywheel conversations replay --dt 2026-01-05`, then run `nightly` again"
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"days": ["2019-12-31"]}, "2019-12-31: not a day from 2020-01-01 to today → check the days, and WOW_TIMEZONE"),
        ({}, "2999-01-01: not a day from 2020-01-01 to today → check the days, and WOW_TIMEZONE"),
    ],
)
def test_a_day_outside_the_calendar_is_a_plain_failure(place: Path, instance, config, message) -> None:
    write_logs(place, [], day="2999-01-01")
    failure = next(event for event in _wheel(instance, config).all_events if event.is_step_failure)
    assert failure_message(failure) == message


@pytest.mark.slow
def test_a_day_in_the_future_is_left_out_and_the_others_are_labelled(place: Path, lake: Lake, instance) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi, how can I help?", "Thank you!")])
    write_logs(place, [conversation(2, "Hello", "Hi", "Thanks!", day="2999-01-01")], day="2999-01-01")
    assert _wheel(instance, {}).success
    assert lake.read("cases")["conversation_id"].to_list() == ["c-1"]


def test_a_wrong_day_is_a_plain_failure(place: Path, instance) -> None:
    result = _wheel(instance, {"days": ["yesterday"]})
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert failure_message(failure) == "'yesterday' is no day → write it as YYYY-MM-DD"


@pytest.mark.slow
def test_embedded_turns_go_on_after_a_refusal_each_with_the_next_day(place: Path, instance, monkeypatch, capfd) -> None:
    monkeypatch.delenv("WOW_LOGS_URI")
    monkeypatch.chdir(place)
    done: list[str] = []

    def produce(settings, release, day, conversations, seed, say) -> None:
        done.append(f"{release} serves {conversations} on {day}")
        write_logs(place / "data", [conversation(1, "Hello", "Hi", "Thanks!", day=str(day))], day=str(day))

    def run_cycle(context, flywheel, cycle, days) -> Turn:
        done.append(f"cycle {cycle}")
        return Turn(cycle, tuple(days), {"good": 1}, 0, "0001-base", f"{cycle}-dpo", {"rr": (0.5, 0.6)}, REFUSED)

    monkeypatch.setattr(wheel_job, "found", lambda *_: "0001-base")
    monkeypatch.setattr(wheel_job, "produce", produce)
    monkeypatch.setattr(wheel_job, "run_cycle", run_cycle)
    monkeypatch.setattr("wow_flywheel.defs.flywheel.turn.is_settled", lambda *_: True)
    assert _wheel(instance, {"turns": 2, "conversations_per_day": 9}).success
    assert done == [
        "0001-base serves 9 on 2026-01-05", "cycle 2026-01-05", "0001-base serves 9 on 2026-01-06", "cycle 2026-01-06",
    ]  # fmt: skip
    assert "refused, because rr did not improve" in capfd.readouterr().out


def test_a_turn_that_was_cut_off_is_done_again(place: Path) -> None:
    flywheel, first = Flywheel(), dt.date(2026, 1, 5)
    assert next_day(flywheel, first) == first
    write_logs(place, [conversation(1, "Hello", "Hi")], day="2026-01-07")
    assert next_day(flywheel, first) == dt.date(2026, 1, 7)


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "talks.py").write_text("print('one', flush=True); print(); raise SystemExit('it broke')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []
    with pytest.raises(PermanentError, match="python -m talks failed: it broke"):
        stream(["talks"], said.append)
    assert said == ["one", "it broke"]


def test_the_job_runs_from_the_command_line_with_flat_config(place: Path) -> None:
    write_logs(place, [conversation(1, "Hello", "Hi", "Thanks!")])
    (place / "wheel.yaml").write_text("days: ['2026-01-05']\n")
    argv = ["-m", "dagster", "job", "execute", "-m", "wow_flywheel.definitions", "-j", "flywheel"]
    done = subprocess.run(
        [sys.executable, *argv, "-c", str(place / "wheel.yaml")],
        capture_output=True, text=True, cwd=place, env=_environment(place), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "flywheel │ nightly 2026-01-05" in done.stderr
    assert "STEP_START" not in done.stderr
    assert "where to look next" in done.stdout


def _environment(place: Path) -> dict[str, str]:
    (place / "home").mkdir()
    (place / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return {**os.environ, "DAGSTER_HOME": str(place / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}


def _wheel(instance: dg.DagsterInstance, config: dict[str, object]) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("flywheel").execute_in_process(run_config=config, instance=instance, raise_on_error=False)

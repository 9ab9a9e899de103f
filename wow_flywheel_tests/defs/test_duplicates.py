"""Duplicates on a real instance: across days, in the checks, and out of the training data but not out of the metrics."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import polars as pl

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.definitions import defs
from wow_flywheel.defs.conversations.duplicates import few
from wow_flywheel.defs.pairs.assets import good_conversations
from wow_flywheel.defs.partitions import open_cycle
from wow_flywheel.lake import Lake
from wow_flywheel_tests.defs.conftest import DATASETS, checks, conversation, write_logs

NEXT = "2026-01-06"
TODAY = dt.date(2026, 1, 5)
TOMORROW = dt.date(2026, 1, 6)
TALK = ("Hello, where is my tea, please?", "It is with the courier and arrives at noon today.", "Thank you, great!")


def test_a_repeated_day_is_kept_by_metrics_and_left_out_of_training(
    place: Path, lake: Lake, nightly, instance, monkeypatch
) -> None:
    monkeypatch.setenv("WOW_MODEL", "org/model")
    write_logs(place, [conversation(1, *TALK, user="u-3", thumb="up")])
    others = [conversation(n, *TALK, user=f"u-{n}", day=NEXT, thumb="up") for n in (4, 5)]
    own = conversation(
        6, "Can I pay by card?", "Yes, at the door or online.", "Thank you, great!", user="u-3", day=NEXT, thumb="up"
    )
    write_logs(place, [*others, own], NEXT)
    lake.append("decisions", _good({"c-1": TODAY, **dict.fromkeys(("c-4", "c-5", "c-6"), TOMORROW)}))
    until = ["duplicates", "satisfaction_daily", "cases"]
    assert nightly(until=until).success
    result = nightly(NEXT, until)
    assert result.success
    told = checks(result)["duplicates.few_duplicates"]
    assert (told.passed, told.severity.value) == (False, "WARN")
    assert told.description == "66.7% of 3 conversations repeat an earlier one; from 30% on this is a warning"
    assert lake.read("duplicates", TOMORROW)["of_conversation_id"].to_list() == ["c-1", "c-1"]
    assert lake.read("satisfaction_daily", TOMORROW).filter(scenario="*")["conversations"].to_list() == [3]
    assert set(lake.read("cases").filter(label="good")["conversation_id"]) == {"c-1", "c-4", "c-5", "c-6"}
    assert set(good_conversations(lake, TOMORROW, 7)["conversation_id"]) == {"c-1", "c-6"}
    open_cycle(instance, NEXT)
    keys = [dg.AssetKey(name) for name in DATASETS]
    job = defs.resolve_job_def("training_cycle")
    assert job.execute_in_process(instance=instance, partition_key=NEXT, asset_selection=keys).success
    assert sorted(lake.read("sft_dataset", NEXT)["conversation_id"]) == ["c-1", "c-6"]
    manifest = Manifest.load(place / "models" / "cycles" / NEXT / "manifest.json")
    reasons = ("contaminated", "merged", "reserved_customer", "source_held_out", "stale", "template_cap", "user_cap")
    assert manifest.counts["sft_dataset.left_out"] == dict.fromkeys(reasons, 0) | {"duplicate": 2}
    assert manifest.settings["near_duplicate"] == 0.9


def _good(days: Mapping[str, dt.date]) -> pl.DataFrame:
    now = dt.datetime(2026, 1, 7, tzinfo=dt.UTC)
    by = {"label": "good", "decided_by": "ana", "decided_at": now, "note": None}
    rows = [{"dt": day, "conversation_id": name} | by for name, day in days.items()]
    return pl.DataFrame(rows, schema_overrides={"note": pl.String})


def test_the_window_of_days_is_what_the_graph_says() -> None:
    graph = defs.resolve_asset_graph()
    mapping = graph.get_partition_mapping(dg.AssetKey("duplicates"), dg.AssetKey("fingerprints"))
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert (mapping.start_offset, mapping.end_offset) == (-90, 0)


def test_the_share_warns_from_the_setting_on() -> None:
    counts = {"conversations": 10, "exact": 2, "near": 1}
    assert few(counts, 0.31).passed
    assert not few(counts, 0.3).passed
    assert few({"conversations": 0, "exact": 0, "near": 0}, 0.0).passed

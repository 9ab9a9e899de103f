"""Which pairs count towards the next cycle: those that it would train on, and that no cycle has looked at."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import DUPLICATES, STALE_CASES
from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.unused import unused_pairs
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY, frame
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversations, labels, next_day, pair, pairs
from wow_flywheel_tests.unit.datasets.test_leaks import talk


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Good Cases of two days, and three pairs of the first."""
    lake = Lake(str(tmp_path / "lake"))
    for day in (DAY, next_day()):
        talks = [talk("a", "ada", dt=day), talk("b", "bo", dt=day)]
        lake.replace("conversations", conversations(*talks), day)
        lake.replace("fingerprints", fingerprints(conversations(*talks)), day)
        lake.replace("cases", labels("good", *talks), day)
    lake.replace("preference_pairs", pairs(pair("p1#1", "ada"), pair("p2#1", "bo"), pair("p3#1", "cy")), DAY)
    return lake


def counted(lake: Lake, window: int = 7) -> tuple[dt.date | None, int]:
    return unused_pairs(lake, Path(lake.uri).parent / "models", window)


def built(lake: Lake, cycle: str = "c1", **more: Any) -> Manifest:
    """A cycle of the first day, with its manifest."""
    made = build_datasets(lake, cycle, [DAY])
    lake.replace("sft_dataset", made.sft, cycle)
    lake.replace("preference_dataset", made.preferences, cycle)
    manifest = Manifest(
        cycle=cycle, created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=made.days, files={}, counts={},
        table_versions=dict(made.versions), parents=Parents(base_model="tiny"), **more,
    )  # fmt: skip
    manifest.save(Path(lake.uri).parent / "models" / "cycles" / cycle / "manifest.json")
    return manifest


def test_all_pairs_that_would_be_trained_on_are_new_before_the_first_cycle(lake: Lake) -> None:
    assert counted(lake) == (DAY, 3)
    assert unused_pairs(Lake(f"{lake.uri}-empty"), Path("nowhere"), 7) == (None, 0)


def test_pairs_of_held_out_customers_of_duplicates_and_of_stale_cases_do_not_count(lake: Lake) -> None:
    lake.replace("preference_pairs", pairs(*(pair(f"{name}#1", "ada") for name in "abc"), pair("d#1", HELD_OUT_CUSTOMER)), DAY)
    assert counted(lake) == (DAY, 3)
    copied = {"conversation_id": "a", "of_dt": DAY, "of_conversation_id": "b", "kind": "exact", "similarity": 1.0}
    lake.replace("duplicates", frame(DUPLICATES, copied), DAY)
    assert counted(lake) == (DAY, 2)
    at = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    lake.append("stale_cases", frame(STALE_CASES, {"conversation_id": "c", "policy_id": "p", "why": "gone", "marked_at": at}))
    assert counted(lake) == (DAY, 1)


def test_what_a_cycle_trained_on_or_left_out_is_not_new_to_the_next(lake: Lake) -> None:
    lake.replace("preference_pairs", pairs(*(pair(f"p{n}#1", "ada") for n in range(60))), DAY)
    built(lake)
    assert 0 < lake.read("preference_dataset", "c1").height < 60, "the caps leave some out"
    assert counted(lake) == (None, 0)


def test_what_came_to_a_day_after_a_cycle_read_it_is_new(lake: Lake) -> None:
    built(lake)
    lake.replace("preference_pairs", pairs(*(pair(f"p{n}#1", "ada") for n in (1, 2, 3, 4))), DAY)
    assert counted(lake) == (DAY, 1)
    more = pairs(pair("q#1", "ada", dt=next_day()))
    lake.replace("preference_pairs", more, next_day())
    assert counted(lake) == (next_day(), 2)
    assert counted(lake, window=1) == (next_day(), 1), "the cycle of that day reads no other"


def test_where_the_version_of_then_is_gone_the_day_counts_as_seen(lake: Lake) -> None:
    built(lake)
    lake.replace("preference_pairs", pairs(*(pair(f"p{n}#1", "ada") for n in range(9))), DAY)
    lake.vacuum("preference_pairs")
    assert counted(lake) == (None, 0)
    lake.replace("preference_pairs", pairs(pair("q#1", "ada", dt=next_day())), next_day())
    assert counted(lake) == (next_day(), 1)


def test_pairs_in_a_dataset_without_a_manifest_are_used(lake: Lake) -> None:
    built(lake)
    (Path(lake.uri).parent / "models" / "cycles" / "c1" / "manifest.json").unlink()
    used = lake.read("preference_dataset", "c1")["pair_id"]
    assert counted(lake)[1] == pl.Series(["p1#1", "p2#1", "p3#1"]).is_in(used.implode()).not_().sum()

"""The manifest's file, and what fills it."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.datasets.manifest import Manifest, Parents, count_by
from wow_flywheel.errors import DatasetError

MANIFEST = Manifest(
    cycle="2026-11-05",
    created_at=dt.datetime(2026, 11, 6, 1, 2, 3, tzinfo=dt.UTC),
    source_partitions=(dt.date(2026, 11, 4), dt.date(2026, 11, 5)),
    table_versions={"cases": 7, "preference_pairs": 3},
    files={"sft.jsonl": "ab" * 32},
    counts={"sft.split": {"held_out": 2, "train": 8}},
    settings={"held_out_share": 0.2},
    git_commit="0" * 40,
    parents=Parents(base_model="tiny", previous_release="0001-2026-11-04"),
)


def test_saving_and_loading_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "cycle" / "manifest.json"
    MANIFEST.save(path)
    assert Manifest.load(path) == MANIFEST
    assert [each.name for each in path.parent.iterdir()] == ["manifest.json"]
    assert '"2026-11-04"' in path.read_text()


def test_a_missing_or_broken_manifest_is_said(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(DatasetError, match="there is no manifest"):
        Manifest.load(path)
    path.write_text('{"cycle": ""}')
    with pytest.raises(DatasetError, match="is no manifest: counts, created_at, cycle, files, parents"):
        Manifest.load(path)
    path.write_text("{")
    with pytest.raises(DatasetError, match="is no manifest: the file"):
        Manifest.load(path)


def test_counts_by_value() -> None:
    frame = pl.DataFrame({"split": ["train", "held_out", "train"], "label": ["good", None, "bad"]})
    assert count_by("sft", frame, "split", "label") == {
        "sft.split": {"held_out": 1, "train": 2},
        "sft.label": {"bad": 1, "good": 1, "unknown": 1},
    }

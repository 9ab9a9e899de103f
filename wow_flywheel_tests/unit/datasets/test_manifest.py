"""The manifest's file, and what fills it."""

import datetime as dt
import subprocess
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.datasets.manifest import Manifest, Parents, count_by, file_hashes, git_commit
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


def test_hashes_by_file_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("abc")
    # SHA-256 of "abc", from FIPS 180-2.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_hashes([tmp_path / "a.jsonl"]) == {"a.jsonl": expected}
    for paths in ([tmp_path / "b"], [tmp_path / "a.jsonl", tmp_path / "x" / "a.jsonl"]):
        with pytest.raises(DatasetError, match="cannot hash"):
            file_hashes(paths)


def test_counts_by_value() -> None:
    frame = pl.DataFrame({"split": ["train", "held_out", "train"], "label": ["good", None, "bad"]})
    assert count_by("sft", frame, "split", "label") == {
        "sft.split": {"held_out": 1, "train": 2},
        "sft.label": {"bad": 1, "good": 1, "unknown": 1},
    }


def test_the_commit_says_whether_files_differ(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "f").write_text("1")
    for arguments in (["init", "-q"], ["add", "f"], ["commit", "-q", "-m", "x", "--no-verify"]):
        subprocess.run([*git, *arguments], check=True)
    clean = git_commit(tmp_path)
    assert clean is not None
    assert len(clean) == 40
    (tmp_path / "f").write_text("2")
    assert git_commit(tmp_path) == f"{clean}-dirty"

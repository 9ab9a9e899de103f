"""Lineage after a cycle was built again: what a release saw is what its own files had, not what the tables hold today."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import TABLES
from wow_flywheel.datasets.build import ALGORITHM
from wow_flywheel.datasets.cycle import MANIFEST, freeze
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.forget.models import rebuildable, sightings, trained_on
from wow_flywheel.lake import Lake
from wow_flywheel.lineage.trace import of_conversation, of_model
from wow_flywheel.model_files import model_digest
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversations, labels, pair, pairs
from wow_flywheel_tests.unit.datasets.test_leaks import talk

TALKS = {name: talk(name, user) for name, user in (("a", "ada"), ("b", "bo"), ("e", HELD_OUT_CUSTOMER))}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Good Cases a and b, and a pair of conversation p whose chosen reply was said in c9."""
    lake = Lake(str(tmp_path / "lake"))
    lake.replace("conversations", conversations(*TALKS.values()), DAY)
    lake.replace("cases", labels("good", *TALKS.values()), DAY)
    lake.replace("preference_pairs", pairs(pair("p#1", "cy")), DAY)
    return lake


def build(lake: Lake, root: Path, cycle: str = "c1", previous: str | None = None) -> Manifest:
    """Build a cycle's datasets as the asset does, and let both trainers run on them."""
    folder = root / "models" / "cycles" / cycle
    built, external, files = freeze(lake, Settings.from_env({}), Folders(), Recipe(), folder, cycle, [DAY])
    manifest = Manifest(
        cycle=cycle, created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=built.days, files=files, counts={},
        table_versions=dict(built.versions), algorithm=ALGORITHM, recipe=built.recipe.to_mapping(),
        inputs=dict(external.hashes), parents=Parents(base_model="tiny", previous_release=previous),
    )  # fmt: skip
    manifest.save(folder / MANIFEST)
    lake.replace("sft_dataset", built.sft, cycle)
    lake.replace("preference_dataset", built.preferences, cycle)
    return manifest


def train(root: Path, manifest: Manifest) -> None:
    for name, field, file in (("sft", "train_file", "sft"), ("dpo", "pairs", "preferences")):
        folder = root / "models" / "cycles" / manifest.cycle / name
        (folder / "model").mkdir(parents=True, exist_ok=True)
        (folder / "model" / "weights").write_text(f"{name} of {manifest.build}")
        (folder / "run.json").write_text(json.dumps({"data_sha256": {field: manifest.files[f"{file}.train.jsonl"]}}))


def release(root: Path, manifest: Manifest, stage: str) -> str:
    model, store = root / "models" / "cycles" / manifest.cycle / stage / "model", ReleaseStore(root / "models")
    candidate = f"{manifest.cycle}-{stage}"
    decision = Decision(
        passed=True, reason="better", baseline=store.current_id() or "tiny", candidate=candidate, checks=(),
        models={candidate: model_digest(model)},
    )  # fmt: skip
    return store.promote(model, manifest.model_dump(mode="json"), decision, manifest.cycle).id


def without_a(lake: Lake) -> None:
    rest = [talk for name, talk in TALKS.items() if name != "a"]
    lake.replace("cases", pl.concat([labels("bad", TALKS["a"]), labels("good", *rest)]), DAY)


def trained_conversations(lake: Lake, root: Path, name: str) -> list[list[tuple[Any, Any]]]:
    chain = of_model(lake, root / "models", name)
    assert all(each["recorded"] for each in chain)
    return [[(row["conversation_id"], row["source"]) for row in each["conversations"]] for each in chain]


def test_an_earlier_release_still_saw_what_its_cycle_was_built_without_since(lake: Lake, tmp_path: Path) -> None:
    first = build(lake, tmp_path)
    train(tmp_path, first)
    earlier = release(tmp_path, first, "sft")
    without_a(lake)
    second = build(lake, tmp_path)
    train(tmp_path, second)
    later = release(tmp_path, second, "sft")
    assert trained_conversations(lake, tmp_path, earlier) == [[("a", "good_case"), ("b", "good_case")]]
    assert trained_conversations(lake, tmp_path, later) == [[("b", "good_case")]]
    assert trained_conversations(lake, tmp_path, "c1-sft") == [[("b", "good_case")]]
    (seen,) = of_conversation(lake, tmp_path / "models", "a")["models"]
    assert (seen["cycle"], seen["directly"], seen["models"], seen["releases"]) == ("c1", True, [], [earlier])


def test_a_checkpoint_that_was_not_trained_again_still_saw_it(lake: Lake, tmp_path: Path) -> None:
    train(tmp_path, build(lake, tmp_path))
    without_a(lake)
    build(lake, tmp_path)
    folder = str(tmp_path / "models" / "cycles" / "c1")
    (seen,) = of_conversation(lake, tmp_path / "models", "a")["models"]
    assert seen["models"] == [f"{folder}/sft/model", f"{folder}/dpo/model"]


def test_it_holds_after_old_versions_of_the_tables_are_gone(lake: Lake, tmp_path: Path) -> None:
    first = build(lake, tmp_path)
    train(tmp_path, first)
    earlier = release(tmp_path, first, "sft")
    without_a(lake)
    build(lake, tmp_path)
    for name in TABLES:
        if lake.exists(name):
            lake.vacuum(name)
    assert trained_conversations(lake, tmp_path, earlier) == [[("a", "good_case"), ("b", "good_case")]]


def test_an_sft_model_saw_no_pairs_and_a_dpo_model_saw_both(lake: Lake, tmp_path: Path) -> None:
    manifest = build(lake, tmp_path)
    train(tmp_path, manifest)
    dialogues, both = [("a", "good_case"), ("b", "good_case")], [("c9", "reply"), ("p", "good_case")]
    assert trained_conversations(lake, tmp_path, "c1-sft") == [dialogues]
    assert trained_conversations(lake, tmp_path, "c1-dpo") == [both + dialogues]
    names = [release(tmp_path, manifest, stage) for stage in ("sft", "dpo")]
    dpo = str(tmp_path / "models" / "cycles" / "c1" / "dpo" / "model")
    for conversation in ("p", "c9"):
        (seen,) = of_conversation(lake, tmp_path / "models", conversation)["models"]
        assert (seen["models"], seen["releases"]) == ([dpo], names[1:])
    (seen,) = of_conversation(lake, tmp_path / "models", "b")["models"]
    assert (len(seen["models"]), seen["releases"]) == (2, names)


def test_a_first_model_that_came_of_no_cycle_ends_the_chain(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "untrained").mkdir()
    (tmp_path / "untrained" / "weights").write_text("w")
    decision = Decision(passed=True, reason="the first", baseline="none", candidate="base", checks=())
    made = {"made_from": "dialogues", "seed": 1}
    base = ReleaseStore(tmp_path / "models").promote(tmp_path / "untrained", made, decision, "base").id
    train(tmp_path, build(lake, tmp_path, "c1", base))
    assert trained_conversations(lake, tmp_path, "c1-sft") == [[("a", "good_case"), ("b", "good_case")]]
    assert rebuildable(lake, tmp_path / "models") == ["c1"]


def test_a_cycle_that_went_on_from_a_release_saw_what_that_release_saw(lake: Lake, tmp_path: Path) -> None:
    first = build(lake, tmp_path)
    train(tmp_path, first)
    earlier = release(tmp_path, first, "sft")
    without_a(lake)
    second = build(lake, tmp_path)
    train(tmp_path, second)
    later = release(tmp_path, second, "sft")
    for cycle, parent in (("c2", earlier), ("c3", later)):
        train(tmp_path, build(lake, tmp_path, cycle, parent))
    assert trained_conversations(lake, tmp_path, "c2-sft")[1] == [("a", "good_case"), ("b", "good_case")]
    seen = trained_on(sightings(lake, pl.col("conversation_id") == "a"), tmp_path / "models", lake)
    assert [(each.cycle, each.trained_on_them, len(each.models)) for each in seen] == [("c1", True, 0), ("c2", False, 2)]

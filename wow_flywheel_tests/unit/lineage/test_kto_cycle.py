"""Lineage and rebuild of a cycle whose model was tuned on labelled replies: Bad Cases' conversations made it as well."""

import datetime as dt
import json
from pathlib import Path

import pytest

from wow_flywheel.datasets.build import ALGORITHM
from wow_flywheel.datasets.cycle import MANIFEST, can_be_rebuilt, freeze, rebuild
from wow_flywheel.datasets.manifest import Manifest, Parents, counts_of, stage_of
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.forget import erase
from wow_flywheel.lake import Lake
from wow_flywheel.lineage.trace import of_conversation, of_model
from wow_flywheel.model_files import model_digest
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.bad_cases import TRAINED_ON, bad_talks, filled, good_talks

BAD = {f"b{number}" for number in range(12)}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return filled(tmp_path, good_talks(), bad_talks())


def built(lake: Lake, root: Path, without_pairs: str = "kto") -> Manifest:
    """A cycle's datasets as the asset writes them, and a checkpoint of each trainer that runs on them."""
    folder, recipe = root / "models" / "cycles" / "c1", Recipe(without_pairs=without_pairs)
    made, external, files = freeze(lake, Settings.from_env({}), Folders(), recipe, folder, "c1", [DAY])
    counts = counts_of(made.sft, made.preferences, made.labelled)
    manifest = Manifest(
        cycle="c1", created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=made.days, files=files, counts=counts,
        table_versions=dict(made.versions), algorithm=ALGORITHM, recipe=made.recipe.to_mapping(),
        inputs=dict(external.hashes), parents=Parents(base_model="tiny"), candidate=stage_of(counts),
    )  # fmt: skip
    manifest.save(folder / MANIFEST)
    for name, rows in (("sft", made.sft), ("preference", made.preferences), ("labelled", made.labelled)):
        lake.replace(f"{name}_dataset", rows, "c1")
    stages = {"sft": ("train_file", "sft.train.jsonl"), "kto": ("replies", "labelled.train.jsonl")}
    for stage in dict.fromkeys(("sft", manifest.stage)):
        field, file = stages[stage]
        (folder / stage / "model").mkdir(parents=True)
        (folder / stage / "model" / "weights").write_text(stage)
        (folder / stage / "run.json").write_text(json.dumps({"data_sha256": {field: files[file]}}))
    return manifest


def released(root: Path, manifest: Manifest) -> str:
    model, store = root / "models" / "cycles" / "c1" / manifest.stage / "model", ReleaseStore(root / "models")
    candidate = f"c1-{manifest.stage}"
    decision = Decision(
        passed=True, reason="better", baseline="tiny", candidate=candidate, checks=(), models={candidate: model_digest(model)}
    )
    return store.promote(model, manifest.model_dump(mode="json"), decision, "c1").id


def made_of(lake: Lake, root: Path, name: str) -> dict[tuple[str, str], set[str]]:
    """Conversations by dataset and source, of the model's own cycle."""
    (chain,) = of_model(lake, root / "models", name)
    assert chain["recorded"]
    found: dict[tuple[str, str], set[str]] = {}
    for row in chain["conversations"]:
        found.setdefault((row["dataset"], row["source"]), set()).add(row["conversation_id"])
    return found


def test_bad_cases_made_the_kto_model_and_its_release_and_not_the_sft_model(lake: Lake, tmp_path: Path) -> None:
    release = released(tmp_path, built(lake, tmp_path))
    sft = made_of(lake, tmp_path, "c1-sft")
    assert set(sft) == {("sft_dataset", "good_case")}
    good = sft["sft_dataset", "good_case"]
    both = {**sft, ("labelled_dataset", "good_case"): good, ("labelled_dataset", "bad_case"): BAD}
    for name in ("c1-kto", "c1", release, "current"):
        assert made_of(lake, tmp_path, name) == both
    kto = str(tmp_path / "models" / "cycles" / "c1" / "kto" / "model")
    seen = of_conversation(lake, tmp_path / "models", "b3")
    assert seen["datasets"] == [{"cycle": "c1", "dataset": "labelled_dataset", "split": "train", "as": "itself"}]
    assert seen["models"] == [{"cycle": "c1", "directly": True, "models": [kto], "releases": [release]}]


def test_the_files_come_out_the_same_byte_for_byte_whatever_the_setting_is_by_then(lake: Lake, tmp_path: Path) -> None:
    manifest = built(lake, tmp_path)
    assert manifest.stage == "kto"
    done = rebuild(lake, manifest, tmp_path / "again")
    assert done.differing == ()
    for name in manifest.files:
        original = tmp_path / "models" / "cycles" / "c1" / name
        assert (tmp_path / "again" / name).read_bytes() == original.read_bytes()


def test_a_manifest_from_before_the_setting_is_rebuilt_as_it_was(lake: Lake, tmp_path: Path) -> None:
    manifest = built(lake, tmp_path, "sft")
    recipe = {name: value for name, value in manifest.recipe.items() if name != "without_pairs"}
    versions = {name: version for name, version in manifest.table_versions.items() if name != "labelled_dataset"}
    old = manifest.model_copy(update={"recipe": recipe, "candidate": None, "table_versions": versions})
    assert can_be_rebuilt(lake, old)
    assert rebuild(lake, old).differing == ()
    assert set(rebuild(lake, old).files) == {f"{n}.{s}.jsonl" for n in ("sft", "preferences") for s in ("train", "held_out")}


def test_who_is_forgotten_leaves_the_file_the_tables_and_the_record(lake: Lake, tmp_path: Path) -> None:
    built(lake, tmp_path)
    settings = Settings.from_env({"WOW_LAKE_URI": lake.uri, "WOW_MODELS_URI": str(tmp_path / "models"),
                                  "WOW_LOGS_URI": str(tmp_path / "logs")})  # fmt: skip
    file = tmp_path / "models" / "cycles" / "c1" / "labelled.train.jsonl"
    assert "b0#1" in file.read_text()
    done = erase.forget(lake, settings, TRAINED_ON[12], dt.datetime(2026, 3, 5, tzinfo=dt.UTC))
    assert "b0#1" not in file.read_text()
    assert "b1#1" in file.read_text()
    for table in ("labelled_dataset", "dataset_rows"):
        assert "b0" not in set(lake.read(table)["conversation_id"])
    assert [model for each in done.models for model in each.models] == [str(file.parent / "kto" / "model")]

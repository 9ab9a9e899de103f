"""A cycle without preference pairs on a real instance, with `WOW_WITHOUT_PAIRS=kto`: its KTO model is the candidate.

The trainers run in child processes on a model of the closed world's size, for a few steps.
"""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.split import split_of
from wow_flywheel.definitions import defs
from wow_flywheel.defs.evaluation.judge import model_names
from wow_flywheel.defs.partitions import open_cycle
from wow_flywheel.lake import Lake
from wow_flywheel.model_files import model_digest
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.defs.conftest import DATASETS, checks, step_failures
from wow_flywheel_tests.unit.datasets.bad_cases import bad_talk, bad_talks, filled, good_talks
from wow_flywheel_tests.unit.datasets.test_leaks import talk

OF_DAGSTERS_PIPES = ("ignore:Function", "ignore:AssetExecutionContext.run_id")
pytestmark = [pytest.mark.filterwarnings(each) for each in OF_DAGSTERS_PIPES]
CYCLE = "2026-03-02"
HELD_OUT = [name for name in (f"guest-{number}" for number in range(60)) if split_of(name) == "held_out"][:6]
TRAINING = """
sft: {learning_rate: 0.005, batch_size: 4, max_steps: 6, logging_steps: 1, save_steps: 0}
kto: {learning_rate: 0.001, batch_size: 4, max_steps: 3, logging_steps: 1, save_steps: 0}
"""
GATE = """
gate:
  targets: [reply_loss]
  target_tolerance: 100
  margins: {rr: null, action_accuracy: null, format_validity: null, repair_rate: null, slot_f1: null, too_long: null}
  required: [reply_loss]
  min_episodes: 1
"""


@pytest.fixture
def folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cycle to come, of a day with Good and Bad Cases of both sides and no pairs."""
    (place / "training.yaml").write_text(TRAINING)
    (place / "checks.yaml").write_text(GATE)
    monkeypatch.setenv("WOW_TRAINING_CONFIG", str(place / "training.yaml"))
    monkeypatch.setenv("WOW_CHECKS", str(place / "checks.yaml"))
    monkeypatch.setenv("WOW_WITHOUT_PAIRS", "kto")
    monkeypatch.setenv("WOW_EPISODES", "4")
    monkeypatch.setenv("WOW_MODEL", str(place / "base"))
    fill(place, 12)
    return place / "models" / "cycles" / CYCLE


def fill(place: Path, bad: int) -> None:
    held_out = [talk(f"held{number}", user) for number, user in enumerate(HELD_OUT[1:])]
    filled(place, [*good_talks(), *held_out], [*bad_talks(bad), bad_talk("held", HELD_OUT[0])])


def make_base(path: Path, talks: list[dict[str, Any]]) -> Path:
    from wow_flywheel.closed_world.model import make

    make(path, [message["content"] for row in talks for message in row["messages"]], seed=1)
    return path


def run(instance: dg.DagsterInstance, *assets: str) -> dg.ExecuteInProcessResult:
    open_cycle(instance, CYCLE)
    job = defs.resolve_job_def("training_cycle")
    keys = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(instance=instance, partition_key=CYCLE, asset_selection=keys, raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of an asset's materialization, as plain values."""
    (event,) = [each for each in result.get_asset_materialization_events() if each.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


@pytest.mark.slow
def test_labelled_replies_are_written_checked_and_trained_on(folder: Path, lake: Lake, instance) -> None:
    make_base(folder / "sft" / "model", [*good_talks(), *bad_talks()])
    result = run(instance, *DATASETS, "dpo_model", "kto_model")
    assert result.success, step_failures(result)
    passed = {name for name, each in checks(result).items() if each.passed and each.blocking}
    names = ("labelled_dataset_keeps_contract", "no_held_out_customer_in_training", "no_contamination")
    assert passed >= {f"labelled_dataset.{name}" for name in names}

    manifest = Manifest.load(folder / "manifest.json")
    good = manifest.counts["labelled_dataset.label"]["good"]
    assert (manifest.candidate, manifest.counts["labelled_dataset.label"]) == ("kto", {"bad": 12, "good": good})
    assert "by KTO on `labelled_dataset`" in (folder / "README.md").read_text()
    assert list(model_names(folder, CYCLE)) == ["base", f"{CYCLE}-sft", f"{CYCLE}-kto"]

    no_pairs = {"trained": False, "why": "the cycle has no preference pairs to train on", "candidate": "kto"}
    assert shown(result, "dpo_model") == no_pairs
    metadata = shown(result, "kto_model")
    assert (metadata["trainer"], metadata["steps"], metadata["examples"]) == ("kto", 3, 12 + good)
    config = json.loads((folder / "kto" / "config.json").read_text())
    assert (config["undesirable_weight"], config["desirable_weight"]) == (max(1, good / 12), max(1, 12 / good))
    ran = json.loads((folder / "kto" / "run.json").read_text())
    assert ran["data_sha256"] == {"replies": manifest.files["labelled.train.jsonl"]}
    assert model_digest(folder / "kto" / "model") != model_digest(folder / "sft" / "model")


def test_too_few_bad_replies_leave_the_sft_model_as_the_candidate_and_say_so(
    place: Path, folder: Path, lake: Lake, instance
) -> None:
    fill(place, 9)
    result = run(instance, *DATASETS, "kto_model")
    assert result.success, step_failures(result)
    metadata = shown(result, "kto_model")
    assert metadata["candidate"] == "sft"
    assert "9 bad replies may be trained on, 10 of each are needed: its SFT model is the candidate" in metadata["why"]
    assert "| too_few_bad | 9 |" in shown(result, "labelled_dataset")["left out"]
    assert list(model_names(folder, CYCLE)) == ["base", f"{CYCLE}-sft"]
    assert not (folder / "labelled.train.jsonl").exists()


def test_by_default_a_cycle_without_pairs_has_no_kto_model(folder: Path, lake: Lake, instance, monkeypatch) -> None:
    monkeypatch.delenv("WOW_WITHOUT_PAIRS")
    result = run(instance, *DATASETS, "dpo_model", "kto_model")
    assert result.success, step_failures(result)
    assert shown(result, "kto_model") == {
        "trained": False, "candidate": "sft",
        "why": "without preference pairs its SFT model is the candidate (WOW_WITHOUT_PAIRS=sft)",
    }  # fmt: skip
    assert list(model_names(folder, CYCLE)) == ["base", f"{CYCLE}-sft"]
    assert lake.read("labelled_dataset", CYCLE).is_empty()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_kto_model_is_evaluated_gated_and_released(place: Path, folder: Path, lake: Lake, instance) -> None:
    make_base(place / "base", [*good_talks(), *bad_talks()])
    result = run(instance, *DATASETS, "sft_model", "dpo_model", "kto_model", "evaluation", "release")
    assert result.success, step_failures(result)
    assert checks(result)["evaluation.gate"].passed
    digest = model_digest(folder / "kto" / "model")
    candidate = f"{CYCLE}-kto"
    assert set(lake.read("evaluations", CYCLE).filter(model=candidate)["model_sha256"]) == {digest}
    assert "SFT, then KTO" in (folder / "evaluation" / "results.html").read_text()
    released = ReleaseStore(place / "models").current()
    assert released is not None
    assert (released.model_sha256, released.decision.candidate) == (digest, candidate)
    assert released.manifest["candidate"] == "kto"

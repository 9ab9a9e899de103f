"""Evaluation → gate → release on a real instance, with checkpoints of the closed world's size, evaluated in a child process.

The two models are untrained: the better of two random ones is the candidate, and the gate is asked for no more than that.
"""

import datetime as dt
import json
import os
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.split import split_of
from wow_flywheel.definitions import defs
from wow_flywheel.defs.partitions import open_cycle
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.evaluation.repair import CONSTANTS
from wow_flywheel.lake import Lake
from wow_flywheel.model_files import model_digest
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.defs.conftest import DAY, checks, conversation, step_failures, write_logs

OF_DAGSTERS_PIPES = ("ignore:Function", "ignore:AssetExecutionContext.run_id")
pytestmark = [pytest.mark.filterwarnings(each) for each in OF_DAGSTERS_PIPES]
CYCLE = DAY
FIRST = Decision(passed=True, reason="first", baseline="none", candidate="base", checks=())
GATE = """
gate:
  targets: [reply_loss]
  target_tolerance: 100
  margins: {rr: null, action_accuracy: null, format_validity: null, repair_rate: null, slot_f1: null, too_long: null}
  required: [reply_loss, rr, repair_rate]
  min_episodes: 1
"""
CUSTOMERS = [f"u-{i}" for i in range(1000) if split_of(f"u-{i}") == "held_out"][:8]
HELD_OUT = CUSTOMERS[0]
LOOPING = [
    "Hello, where is my order 12?", "Which city are you in?", "I said: order 12.", "Which city are you in?",
    "I said it: order 12.", "Which street does it go to?", "Main street.", "It arrives at five today.", "Thanks.",
]  # fmt: skip
HELPED = ["Hello, where is my order 13?", "It arrives at five today.", "Great, thank you!"]


@pytest.fixture
def cycle(place: Path, lake: Lake, nightly, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cycle's folder: a labelled day, held-out dialogues, a release in use and a candidate that gives a lower loss."""
    write_logs(place, [conversation(1, *LOOPING, user=HELD_OUT, thumb="down"), conversation(2, *HELPED, thumb="up")])
    assert nightly(until=["cases"]).success
    (place / "checks.yaml").write_text(GATE)
    monkeypatch.setenv("WOW_CHECKS", str(place / "checks.yaml"))
    monkeypatch.setenv("WOW_EPISODES", "6")
    folder = place / "models" / "cycles" / CYCLE
    folder.mkdir(parents=True)
    (folder / "sft.held_out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in dialogues()))
    worse, better = two_models(place)
    (folder / "sft").mkdir()
    better.rename(folder / "sft" / "model")
    base = ReleaseStore(place / "models").promote(worse, {}, FIRST, "base")
    counts = {"preference_dataset.split": {"train": 0}}
    Manifest(
        cycle=CYCLE, created_at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC), source_partitions=(dt.date(2026, 1, 5),),
        table_versions={}, files={}, counts=counts, parents=Parents(base_model=str(base.model_dir), previous_release=base.id),
    ).save(folder / "manifest.json")  # fmt: skip
    return folder


def dialogues() -> list[dict[str, object]]:
    return [
        {
            "conversation_id": f"h{i}", "user_id": customer, "scenario": "delivery",
            "messages": [
                {"role": "user", "content": f"Where is my order {i}?"},
                {"role": "assistant", "content": DialogueAction(reply="It arrives at five today.").to_json()},
            ],
        }
        for i, customer in enumerate(CUSTOMERS)
    ]  # fmt: skip


def two_models(place: Path) -> tuple[Path, Path]:
    """Two untrained models: the one with the higher loss on the held-out dialogues, then the other."""
    from wow_flywheel.closed_world.model import make
    from wow_flywheel.serving.engine import ReplyEngine
    from wow_flywheel.training.launch import prepare_process

    prepare_process(os.environ)
    losses: dict[Path, float] = {}
    for seed in (1, 2):
        path = place / f"untrained-{seed}"
        make(path, [*LOOPING, *HELPED], seed=seed)
        found = ReplyEngine(str(path)).losses([row["messages"] for row in dialogues()])  # type: ignore[misc]
        losses[path] = sum(loss for loss in found if loss is not None)
    worse, better = sorted(losses, key=lambda path: -losses[path])
    return worse, better


def test_what_was_evaluated_and_judged_is_released_and_says_so(cycle: Path, place: Path, lake: Lake, instance) -> None:
    result = run(instance, "evaluation", "release")
    assert result.success, step_failures(result)
    assert {name: each.passed for name, each in checks(result).items() if "gate" in name} == {
        "evaluation.gate": True, "evaluation.gate_target_improves": True, "evaluation.gate_nothing_worse": True,
        "evaluation.gate_required_measured": True, "evaluation.gate_enough_episodes": True,
    }  # fmt: skip

    evaluations = lake.read("evaluations", CYCLE)
    digest = model_digest(cycle / "sft" / "model")
    assert set(evaluations.filter(pl.col("model") == f"{CYCLE}-sft")["model_sha256"]) == {digest}
    assert evaluations.filter(pl.col("kind") == "repair", pl.col("model").is_in(list(CONSTANTS)))["value"].max() == 0.0
    assert set(evaluations.filter(pl.col("metric") == "reply_loss")["n"]) == {6}, "WOW_EPISODES"
    page = (cycle / "evaluation" / "results.html").read_text()
    assert "1 of 1 turns are judged" in page
    assert "where is my order 12?" in page

    released = ReleaseStore(place / "models").current()
    assert released is not None
    assert (released.id, released.model_sha256) == (f"0002-{CYCLE}", digest)
    assert released.decision.models == {"0001-base": model_digest(ReleaseStore(place / "models").show("0001-base").model_dir),
                                        f"{CYCLE}-sft": digest}  # fmt: skip
    assert released.decision.rules["required"] == ["reply_loss", "rr", "repair_rate"]
    assert "where is my order 12?" not in (released.path / "results.html").read_text()

    again = run(instance, "release")
    assert again.success, step_failures(again)
    assert ReleaseStore(place / "models").list() == ["0001-base", f"0002-{CYCLE}"]


def run(instance: dg.DagsterInstance, *assets: str) -> dg.ExecuteInProcessResult:
    open_cycle(instance, CYCLE)
    job = defs.resolve_job_def("training_cycle")
    keys = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(instance=instance, partition_key=CYCLE, asset_selection=keys, raise_on_error=False)

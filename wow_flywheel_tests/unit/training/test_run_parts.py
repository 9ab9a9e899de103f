"""The parts of a run that need no model: order, folder, identity, picture, facts, imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import SftConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.order import steps_of, training_order
from wow_flywheel.training.plot import by_issue, curves_png, loss_curve_png
from wow_flywheel.training.provenance import identity, model_fingerprint


@pytest.mark.parametrize(
    ("examples", "group", "epochs", "max_steps", "steps"),
    [(100, 10, 1.0, 0, 10), (101, 10, 1.0, 0, 11), (100, 10, 0.5, 0, 5), (100, 10, 3.0, 7, 7), (3, 10, 0.1, 0, 1)],
)
def test_steps(examples: int, group: int, epochs: float, max_steps: int, steps: int) -> None:
    assert steps_of(examples, group, epochs, max_steps) == steps


def test_every_example_is_seen_once_an_epoch() -> None:
    order = training_order([5] * 30, group=10, steps=6, seed=0)
    assert sorted(order) == sorted([*range(30)] * 2)


def test_a_step_holds_examples_of_like_length() -> None:
    lengths = [10, 500] * 40
    order = training_order(lengths, group=8, steps=10, seed=3)
    steps = [{lengths[index] for index in order[i : i + 8]} for i in range(0, 80, 8)]
    assert steps.count({10}) == steps.count({500}) == 5
    assert steps != sorted(steps, key=max), "lengths do not drift"


def test_the_order_hangs_on_the_seed_alone() -> None:
    lengths = list(range(100))
    assert training_order(lengths, 4, 50, 1) == training_order(lengths, 4, 50, 1)
    assert training_order(lengths, 4, 50, 1) != training_order(lengths, 4, 50, 2)


def test_only_a_marked_checkpoint_counts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "abc")
    for step in (9, 20, 100):
        (folder.checkpoints / f"checkpoint-{step}").mkdir(parents=True)
    assert folder.latest_checkpoint() is None
    folder.mark_complete(9)
    folder.mark_complete(20)
    assert folder.latest_checkpoint() == folder.checkpoints / "checkpoint-20"
    folder.discard_partial()
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["checkpoint-20", "checkpoint-9"]


def test_losses_are_rewound_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "abc")
    for step in (1, 2, 3):
        folder.append_loss({"step": step})
    with (tmp_path / "loss.jsonl").open("a") as stream:
        stream.write('{"step": 4, "lo')
    folder.rewind_losses(2)
    assert folder.losses() == [{"step": 1}, {"step": 2}]


def test_a_model_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "abc")

    def fail(aside: Path) -> None:
        (aside / "half").write_text("x")
        raise TrainingError("no")

    with pytest.raises(TrainingError, match="no"):
        folder.publish(fail, {})
    assert not folder.model.exists()
    assert folder.finished() is None
    folder.discard_partial()
    folder.publish(lambda aside: (aside / "weights").touch(), {"steps": 3})
    assert folder.finished() == {"identity": "abc", "steps": 3}
    assert (folder.model / "weights").exists()
    assert RunFolder(tmp_path, "other").finished() is None


def test_a_folder_of_unknown_origin_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(TrainingError, match="another config"):
        RunFolder(tmp_path, "abc").claim(overwrite=False)


def test_the_identity_hangs_on_contents_not_on_paths(tmp_path: Path) -> None:
    def key(**changes: object) -> str:
        base = {"model": "m", "train_file": "t", "output_dir": "o"}
        return identity("sft", SftConfig.from_mapping(base | changes), {"train_file": "hash"}, "fingerprint", 1)

    assert key() == key(train_file="elsewhere", output_dir="elsewhere", model="elsewhere", overwrite=True)
    assert key() != key(seed=1)
    (tmp_path / "config.json").write_text("{}")
    before = model_fingerprint(str(tmp_path))
    (tmp_path / "config.json").write_text("[]")
    assert model_fingerprint(str(tmp_path)) != before
    assert model_fingerprint("owner/name") == "owner/name"


def test_the_loss_curve_is_a_png() -> None:
    png = loss_curve_png([(1, 2.0), (10, 1.0)])
    assert png.startswith(b"\x89PNG\r\n")
    assert len(png) < 40_000


def test_curves_by_issue_type_leave_out_steps_without_a_pair_of_it() -> None:
    rows = [
        {"step": 1, "loss": 1.0, "rewards/margins/a": 0.1},
        {"step": 2, "rewards/margins/b": 0.2, "rewards/accuracies/b": 1.0},
    ]
    curves = by_issue(rows, "rewards/margins/")
    assert curves == {"a": [(1, 0.1)], "b": [(2, 0.2)]}
    assert by_issue(rows[:1], "rewards/accuracies/") == {}
    assert curves_png(curves, "margins").startswith(b"\x89PNG\r\n")


def test_importing_the_trainers_loads_nothing_heavy() -> None:
    heavy = {"torch", "trl", "transformers", "datasets", "matplotlib", "dagster", "polars"}
    names = ", ".join(f"wow_flywheel.training.{name}" for name in ("sft", "dpo", "kto", "loop", "commands"))
    code = f"import sys, {names}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()

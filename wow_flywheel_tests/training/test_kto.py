"""KTO end to end, and its rows from labels."""

import json
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import kto
from wow_flywheel.training.rows import read_labelled
from wow_flywheel_tests.training import world


def write_replies(path: Path) -> Path:
    rows = []
    for pair in world.pairs(32):
        rows += [
            {"prompt": pair["prompt"], "completion": pair[side], "label": side == "chosen"} for side in ("chosen", "rejected")
        ]
    return world.write_jsonl(path, rows)


def test_good_replies_become_likelier_than_bad_ones(sft_model: Path, tmp_path: Path) -> None:
    argv = ["--model", str(sft_model / "model"), "--replies", str(write_replies(tmp_path / "replies.jsonl"))]
    argv += ["--output-dir", str(tmp_path / "run"), *world.SHORT, "--learning-rate", "0.002", "--epochs", "3"]
    assert kto.main(argv) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "loss.jsonl").read_text().splitlines()]
    assert rows[0]["loss"] == pytest.approx(0.5, abs=1e-3), "1 − σ(0) while policy and reference agree"
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.01
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


def test_each_reply_is_compared_with_another_of_its_batch() -> None:
    rows = [{"completion_ids": [1]}, {"completion_ids": [2]}, {"completion_ids": [3]}]
    assert [row["KL_completion_ids"] for row in kto.Mismatched(list)(rows)] == [[3], [1], [2]]


def test_a_reference_that_is_another_model_is_noticed() -> None:
    kto.check(1, {"rewards/chosen": 0.0, "rewards/rejected": 0.001})
    kto.check(2, {"rewards/chosen": 3.0})
    for wrong in (0.5, float("nan")):
        with pytest.raises(TrainingError, match="not 0"):
            kto.check(1, {"rewards/chosen": 0.0, "rewards/rejected": wrong})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 1}, "line 2: needs a completion"),
        ({"completion": [{"role": "user", "content": "x"}]}, "line 2: needs a completion"),
        ({"label": True}, "all replies have the same label"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, change: dict, message: str) -> None:
    good = {
        "prompt": [{"role": "user", "content": "Hi"}],
        "completion": [{"role": "assistant", "content": "Yes"}],
        "label": True,
    }
    with pytest.raises(TrainingError, match=message):
        read_labelled(world.write_jsonl(tmp_path / "f.jsonl", [good, {**good, "label": False} | change]))

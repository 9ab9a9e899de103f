"""DPO end to end."""

import json
import math
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import dpo
from wow_flywheel.training.config import DpoConfig
from wow_flywheel_tests.training import world


def run(model: Path, data: Path, folder: Path, *more: str) -> list[dict]:
    argv = ["--model", str(model), "--pairs", str(data / "pairs.jsonl"), "--output-dir", str(folder), *world.SHORT]
    assert dpo.main([*argv, "--learning-rate", "0.002", *more]) == 0
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "more",
    [
        ("--epochs", "3", "--packing", "always"),
        ("--max-steps", "3"),
        ("--lora-rank", "4", "--max-steps", "8", "--learning-rate", "0.01"),
    ],
    ids=["packed", "padded", "LoRA"],
)
def test_the_first_loss_is_ln_2_and_the_margin_grows(sft_model: Path, data: Path, tmp_path: Path, more: tuple) -> None:
    rows = run(sft_model / "model", data, tmp_path, *more)
    assert rows[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert rows[0]["rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert rows[-1]["rewards/margins"] > 0.05
    assert rows[-1]["rewards/accuracies"] >= 0.5
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_nll_of_the_chosen_answer_is_added(sft_model: Path, data: Path, tmp_path: Path) -> None:
    rows = run(sft_model / "model", data, tmp_path, "--max-steps", "4", "--sft-weight", "1")
    nll = rows[0]["loss"] - math.log(2)
    assert 0.3 < nll < 4, "the NLL of a half-trained model"
    assert rows[-1]["rewards/chosen"] > 0, "the chosen answer becomes likelier"


def test_a_reference_that_is_another_model_is_noticed() -> None:
    config = DpoConfig(model="m", output_dir="o", pairs="p")
    dpo.check_reference(config, {"loss": 0.6931, "rewards/chosen": 0.0, "rewards/rejected": 0.0})
    for logs in (
        {"loss": 0.55, "rewards/chosen": 0.0, "rewards/rejected": 0.0},
        {"loss": 0.6931, "rewards/chosen": 0.4, "rewards/rejected": 0.4},
        {"loss": math.nan, "rewards/chosen": 0.0, "rewards/rejected": math.nan},
    ):
        with pytest.raises(TrainingError, match="reference"):
            dpo.check_reference(config, logs)

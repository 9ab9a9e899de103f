"""Whichever trainer SFT uses, the loss is TRL's: the same curve, step by step."""

import json
from pathlib import Path

import pytest

from wow_flywheel.training import sft, sft_trainer
from wow_flywheel_tests.training import world


def losses(folder: Path) -> list[float]:
    rows = map(json.loads, (folder / "loss.jsonl").read_text("utf-8").splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def test_all_variants_learn_as_trl_does(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["--model", str(model), "--train-file", str(data / "sft.jsonl"), *world.SHORT, "--logging-steps", "1"]
    curves = {}
    for name, limit, packing in (("small", 8192, "never"), ("trl", 0, "never"), ("packed", 8192, "always")):
        monkeypatch.setattr(sft_trainer, "SMALL_VOCABULARY", limit)
        folder = tmp_path / name
        assert sft.main([*argv, "--output-dir", str(folder), "--max-steps", "8", "--packing", packing]) == 0
        curves[name] = losses(folder)
    assert len(curves["trl"]) == 8
    assert curves["small"] == pytest.approx(curves["trl"], rel=1e-4)
    assert curves["packed"] == pytest.approx(curves["trl"], rel=1e-4)
    assert curves["trl"][-1] < curves["trl"][0]


def test_a_large_vocabulary_takes_trls_own_trainer() -> None:
    from trl.trainer.sft_trainer import SFTTrainer

    assert sft_trainer.trainer_class(150_000, packed=False) is SFTTrainer
    assert issubclass(sft_trainer.trainer_class(8192, packed=False), SFTTrainer)
    assert sft_trainer.trainer_class(8192, packed=False) is not SFTTrainer

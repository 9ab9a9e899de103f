"""The loss for small vocabularies is TRL's loss: the same curve, step by step."""

import json
from pathlib import Path

import pytest

from wow_flywheel.training import sft, small_vocabulary
from wow_flywheel_tests.training import world


def losses(folder: Path) -> list[float]:
    rows = map(json.loads, (folder / "loss.jsonl").read_text("utf-8").splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def test_it_learns_as_trl_does(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["--model", str(model), "--train-file", str(data / "sft.jsonl"), *world.SHORT, "--logging-steps", "1"]
    curves = {}
    for limit in (small_vocabulary.SMALL_VOCABULARY, 0):
        monkeypatch.setattr(small_vocabulary, "SMALL_VOCABULARY", limit)
        assert sft.main([*argv, "--output-dir", str(tmp_path / str(limit)), "--max-steps", "8"]) == 0
        curves[limit] = losses(tmp_path / str(limit))
    own, trl = curves.values()
    assert len(own) == 8
    assert own == pytest.approx(trl, rel=1e-4)
    assert own[-1] < own[0]


def test_a_large_vocabulary_takes_trls_own_trainer() -> None:
    from trl.trainer.sft_trainer import SFTTrainer

    assert small_vocabulary.trainer_class(150_000) is SFTTrainer
    assert issubclass(small_vocabulary.trainer_class(8192), SFTTrainer)
    assert small_vocabulary.trainer_class(8192) is not SFTTrainer

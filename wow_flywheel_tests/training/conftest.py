"""One model and its data for all training tests of a session."""

import os
from pathlib import Path

import pytest

from wow_flywheel.training.launch import prepare_process
from wow_flywheel_tests.training import world


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prepare_process(os.environ)
    return world.make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    world.write_jsonl(folder / "sft.jsonl", [{"messages": messages} for messages in world.dialogues(64)])
    world.write_jsonl(folder / "held.jsonl", [{"messages": messages} for messages in world.dialogues(8, seed=9)])
    world.write_jsonl(folder / "pairs.jsonl", world.pairs(32))
    return folder


@pytest.fixture(scope="session")
def sft_model(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short fine-tuning; its model is in `model/`."""
    from wow_flywheel.training import sft

    folder = tmp_path_factory.mktemp("sft") / "run"
    argv = ["--model", str(model), "--train-file", str(data / "sft.jsonl"), "--eval-file", str(data / "held.jsonl")]
    assert sft.main([*argv, "--output-dir", str(folder), *world.SHORT, "--max-steps", "24"]) == 0
    return folder

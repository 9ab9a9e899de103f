"""Configs: ranges, unknown keys, one path for file and flags."""

from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import dpo, sft
from wow_flywheel.training.config import DpoConfig, SftConfig
from wow_flywheel.training.options import parse

BASE: dict[str, Any] = {"model": "m", "train_file": "t", "output_dir": "o"}


def test_defaults_are_those_documented() -> None:
    config = SftConfig.from_mapping(BASE)
    assert (config.learning_rate, config.batch_size, config.precision, config.lora_rank) == (2e-5, 8, "auto", 0)
    assert DpoConfig.from_mapping({"model": "m", "pairs": "p", "output_dir": "o"}).learning_rate == 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rat": 1.0}, "did you mean 'learning_rate'"),
        ({"zzz": 1}, "its fields are model"),
        ({"batch_size": 0}, "batch_size=0 is out of range"),
        ({"learning_rate": float("nan")}, "out of range"),
        ({"batch_size": "8"}, "not of type int"),
        ({"batch_size": True}, "not of type int"),
        ({"scheduler": "step"}, "not one of linear"),
        ({"save_steps": 7, "logging_steps": 5}, "not a multiple"),
        ({"model": ""}, "model is empty"),
        ({"max_dropped": 1.5}, "out of range"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        SftConfig.from_mapping(BASE | change)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TrainingError, match="SftConfig needs train_file"):
        SftConfig.from_mapping({"model": "m", "output_dir": "o"})


def test_an_int_stands_for_a_float() -> None:
    assert SftConfig.from_mapping(BASE | {"epochs": 2}).epochs == 2.0


@pytest.mark.parametrize("name", ["f.json", "f.yaml"])
def test_flags_win_over_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"model": "m", "train_file": "t", "output_dir": "o", "seed": 1, "epochs": 3}')
    config = parse(SftConfig, sft.make_parser(), ["--config", str(path), "--seed", "2", "--overwrite", "--packing", "never"])
    assert (config.seed, config.epochs, config.packing, config.overwrite) == (2, 3.0, "never", True)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("f.json", '{"model": 1,,}', "line 1: not JSON"),
        ("f.json", "[]", "holds no mapping"),
        ("f.yaml", "a: [", "not YAML"),
        ("absent.json", None, "cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=message):
        parse(SftConfig, sft.make_parser(), ["--config", str(tmp_path / name)])


def test_every_field_is_a_flag_with_help() -> None:
    text = dpo.make_parser().format_help()
    assert "--sft-weight" in text
    assert "--no-overwrite" in text
    assert "arXiv 2305.18290" in text

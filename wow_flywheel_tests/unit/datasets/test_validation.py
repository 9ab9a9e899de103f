"""What SFT stops early by: whole components of the training side, and never what the gate judges on."""

import json
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.datasets.build import Datasets, build_datasets, validated
from wow_flywheel.datasets.files import VALIDATION, write
from wow_flywheel.datasets.recipe import Recipe
from wow_flywheel.datasets.tables import Tables
from wow_flywheel.defs.training.recipes import sft_config
from wow_flywheel.errors import SettingsError
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import conversations, labels, next_day
from wow_flywheel_tests.unit.datasets.test_leaks import talk, words


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two Good Cases of each of sixty customers."""
    lake = Lake(str(tmp_path / "lake"))
    talks = [talk(f"c{i}-{n}", f"user-{i}") for i in range(60) for n in range(2)]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    return lake


def names(built: Datasets, split: str) -> set[str]:
    return set(built.sft.filter(split=split)["user_id"])


def test_a_share_of_the_training_customers_is_kept_for_validation_and_no_held_out_one(lake: Lake, tmp_path: Path) -> None:
    whole, built = build_datasets(lake, "c1", [DAY]), build_datasets(lake, "c1", [DAY], Recipe(validation_share=0.3))
    assert names(whole, "validation") == set()
    assert names(built, "held_out") == names(whole, "held_out")
    train, validation = names(built, "train"), names(built, "validation")
    assert train | validation == names(whole, "train")
    assert not train & validation
    assert 5 < len(validation) < 25
    write(built, tmp_path / "c1")
    lines = [json.loads(line) for line in (tmp_path / "c1" / VALIDATION).read_text().splitlines()]
    assert {line["user_id"] for line in lines} == validation
    trained = (tmp_path / "c1" / "sft.train.jsonl").read_text()
    assert not any(f'"{name}"' in trained for name in validation)
    write(whole, tmp_path / "c1")
    assert not (tmp_path / "c1" / VALIDATION).exists()


def test_what_hangs_together_is_on_one_side_of_it() -> None:
    rows = pl.DataFrame({"component": [0, 0, 1, 1, 2, 2], "user_id": ["a", "b", "c", "d", "e", "f"],
                         "split": ["train"] * 4 + ["held_out"] * 2})  # fmt: skip
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        split = rows.with_columns(side=validated(share))["side"].to_list()
        assert split[0] == split[1]
        assert split[2] == split[3]
        assert split[4:] == ["held_out"] * 2
    assert rows.with_columns(side=validated(1.0))["side"].to_list() == ["validation"] * 4 + ["held_out"] * 2


def test_the_next_cycle_holds_none_of_it_out_and_a_copy_of_a_held_out_row_leaves_it(lake: Lake) -> None:
    built = build_datasets(lake, "c1", [DAY], Recipe(validation_share=0.3))
    lake.replace("sft_dataset", built.sft, "c1")
    sides = Tables.now(lake).history("c2")
    assert names(built, "validation") <= set(sides.side("train")["user_id"])
    held, chosen = min(names(built, "held_out")), min(names(built, "validation"))
    copied = words("copied", 80)
    more = [talk("h", held, copied, dt=next_day()), talk("v", chosen, copied, dt=next_day())]
    lake.replace("conversations", conversations(*more), next_day())
    lake.replace("cases", labels("good", *more), next_day())
    again = build_datasets(lake, "c1", [DAY, next_day()], Recipe(validation_share=0.3))
    assert "v" not in set(again.sft["conversation_id"])


def test_a_cycle_stops_early_by_its_validation_part_alone(lake: Lake, tmp_path: Path) -> None:
    config = tmp_path / "training.yaml"
    config.write_text("sft: {eval_steps: 10, save_steps: 10, patience: 3}\n")
    patient = Settings.from_env({"WOW_TRAINING_CONFIG": str(config)})
    folder = tmp_path / "c1"
    write(build_datasets(lake, "c1", [DAY]), folder)
    with pytest.raises(
        SettingsError, match=r"patience=3\), and the cycle kept no dialogues for validation → .*WOW_VALIDATION_SHARE"
    ):
        sft_config(patient, folder, "m")
    assert sft_config(Settings.from_env({}), folder, "m")["eval_file"] == str(folder / "sft.held_out.jsonl")
    write(build_datasets(lake, "c1", [DAY], Recipe(validation_share=0.3)), folder)
    assert sft_config(patient, folder, "m")["eval_file"] == str(folder / VALIDATION)

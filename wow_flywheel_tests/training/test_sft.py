"""SFT end to end on a model of 30 thousand weights."""

import json
import math
from pathlib import Path

import pytest

from wow_flywheel.training import sft
from wow_flywheel.training.encoding import encode_dialogues
from wow_flywheel.training.rows import read_dialogues
from wow_flywheel.training.utilisation import Arithmetic
from wow_flywheel_tests.training import world


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


def command(model: Path, data: Path, folder: Path, *more: str) -> list[str]:
    return ["--model", str(model), "--train-file", str(data), "--output-dir", str(folder), *world.SHORT, *more]


def test_the_loss_follows_its_pinned_trajectory(sft_model: Path) -> None:
    losses = {row["step"]: row["loss"] for row in rows(sft_model)}
    assert list(losses) == [1, 4, 8, 12, 16, 20, 24]
    assert losses[1] == pytest.approx(math.log(400), abs=0.25), "an untrained model guesses among its 400 tokens"
    assert losses[24] < 2.6
    assert list(losses.values()) == sorted(losses.values(), reverse=True)


def test_a_row_says_where_the_run_stands(sft_model: Path) -> None:
    row = rows(sft_model)[-1]
    assert row["epoch"] == 3.0, "24 steps of 8 on 64 dialogues"
    assert row["tokens_per_second"] > 0
    assert row["learning_rate"] < 0.001
    assert row["grad_norm"] > 0


def test_the_record_names_what_the_model_hangs_on(sft_model: Path, data: Path) -> None:
    record = json.loads((sft_model / "run.json").read_text())
    assert record["config"]["learning_rate"] == 0.01
    assert len(record["data_sha256"]["train_file"]) == 64
    assert record["tokens"] == rows(sft_model)[-1]["tokens"]
    assert record["final_loss"] == rows(sft_model)[-1]["loss"]
    assert record["examples"], record["dropped"] == (64, 0)
    assert record["eval_loss"] < 3
    assert record["versions"]["trl"].startswith("1.")
    assert json.loads((sft_model / "model" / "training.json").read_text()) == record
    assert not (sft_model / "checkpoints").exists()


def test_the_record_counts_the_arithmetic_of_every_example_seen(model: Path, data: Path, sft_model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    record = json.loads((sft_model / "run.json").read_text())
    dialogues = read_dialogues(data / "sft.jsonl")
    loaded = AutoModelForCausalLM.from_pretrained(model)
    lengths = encode_dialogues(AutoTokenizer.from_pretrained(model), dialogues, 1024, 0.0).lengths
    assert record["tokens"] == 3 * sum(lengths)
    assert record["model_flops"] == 3 * Arithmetic.of(loaded).of_training(lengths)
    assert record["model_flops_per_second"] == pytest.approx(record["model_flops"] / record["training_seconds"], rel=0.01)
    assert record["model_flops_utilisation"] is None, "nobody knows the peak of this CPU"


def test_a_finished_run_is_not_run_again(model: Path, data: Path, sft_model: Path, capsys: pytest.CaptureFixture) -> None:
    before = (sft_model / "model" / "model.safetensors").stat().st_mtime_ns
    argv = command(model, data / "sft.jsonl", sft_model, "--eval-file", str(data / "held.jsonl"), "--max-steps", "24")
    assert sft.main(argv) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert (sft_model / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_another_config_is_refused_unless_it_may_overwrite(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "1")) == 0
    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "2")) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "2", "--overwrite")) == 0
    assert [row["step"] for row in rows(tmp_path)] == [1, 2]


def test_lora_gives_a_whole_model(model: Path, data: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "8", "--lora-rank", "4")) == 0
    before, after = (load_file(folder / "model.safetensors") for folder in (model, tmp_path / "model"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed == {name for name in before if "proj" in name}, "adapters sit on the linear layers alone"


def test_a_loss_that_is_no_number_ends_the_run(model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    argv = command(model, data / "sft.jsonl", tmp_path, "--max-steps", "8", "--learning-rate", "1e30", "--warmup", "0")
    assert sft.main(argv) == 1
    assert "NaN" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_dialogues_longer_than_max_length_are_refused_or_counted(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    argv = command(model, data / "sft.jsonl", tmp_path, "--max-steps", "1", "--max-length", "100")
    assert sft.main(argv) == 1
    assert "longer than max_length=100" in capsys.readouterr().err
    assert sft.main([*argv, "--max-dropped", "0.9"]) == 0
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["dropped"] > 0
    assert record["examples"] + record["dropped"] == 64


def test_a_json_config_and_flags_are_one_path(model: Path, data: Path, tmp_path: Path) -> None:
    config = {"model": str(model), "train_file": str(data / "sft.jsonl"), "output_dir": str(tmp_path / "run")}
    (tmp_path / "f.json").write_text(json.dumps({**config, "max_steps": 1, "max_length": 256, "save_steps": 0}))
    assert sft.main(["--config", str(tmp_path / "f.json"), "--max-steps", "2"]) == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["steps"] == 2


def test_a_run_ends_early_and_keeps_the_weights_of_the_best_measurement(model: Path, data: Path, tmp_path: Path) -> None:
    from wow_flywheel.serving.engine import ReplyEngine

    held = [*world.dialogues(4, seed=9)]
    for messages in held:  # nothing of it is in training, so that learning makes it less and less likely
        messages[-1] = {"role": "assistant", "content": world.answer("zzz zzz qqq")}
    world.write_jsonl(tmp_path / "held.jsonl", [{"messages": messages} for messages in held])
    more = ["--eval-file", str(tmp_path / "held.jsonl"), "--eval-steps", "4", "--save-steps", "4", "--patience", "2"]
    folder = tmp_path / "run"
    assert sft.main(command(model, data / "sft.jsonl", folder, "--max-steps", "80", *more, "--learning-rate", "0.05")) == 0
    record = json.loads((folder / "run.json").read_text())
    measured = [(row["step"], row["eval_loss"]) for row in rows(folder) if "eval_loss" in row]
    best = min(measured, key=lambda pair: pair[1])
    assert record["steps"] < 80, "it ended early"
    assert record["steps"] == best[0] + 8, "two measurements after the best"
    assert record["tokens"] < rows(folder)[0]["tokens"] * 80
    losses = ReplyEngine(folder / "model").losses(held)
    assert record["eval_loss"] == pytest.approx(best[1], rel=1e-4)
    assert sum(losses) / len(losses) == pytest.approx(best[1], rel=0.1)


def test_a_full_disk_is_noticed_before_training(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10_000))
    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "8")) == 1
    assert "this run writes up to" in capsys.readouterr().err
    assert not (tmp_path / "loss.jsonl").exists()


def test_recomputing_activations_changes_no_loss(model: Path, data: Path, tmp_path: Path) -> None:
    curves = []
    for setting in ("always", "never"):
        more = ["--max-steps", "4", "--logging-steps", "1", "--packing", "always", "--gradient-checkpointing", setting]
        assert sft.main(command(model, data / "sft.jsonl", tmp_path / setting, *more)) == 0
        assert json.loads((tmp_path / setting / "run.json").read_text())["plan"]["checkpointing"] == (setting == "always")
        curves.append([row["loss"] for row in rows(tmp_path / setting)])
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


def test_a_tracker_that_is_not_installed_is_named(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert sft.main(command(model, data / "sft.jsonl", tmp_path, "--max-steps", "8", "--report-to", "mlflow")) == 1
    assert "pip install mlflow" in capsys.readouterr().err

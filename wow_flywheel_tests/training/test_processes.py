"""Runs as processes: killed and resumed, under accelerate, and several at once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import kill_drill
from wow_flywheel.training import sft
from wow_flywheel_tests.training import world


def command(model: Path, data: Path, folder: Path, *more: str) -> list[str]:
    argv = ["--model", str(model), "--train-file", str(data / "sft.jsonl"), "--output-dir", str(folder), *world.SHORT]
    return ["-m", "wow_flywheel.training.sft", *argv, *more]


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


def finish(*argv: str) -> str:
    done = subprocess.run([sys.executable, *argv], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kill_after(argv: list[str], sign: Path) -> None:
    process = subprocess.Popen([sys.executable, *argv], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run must not have ended before the kill"


def test_a_killed_run_resumes_to_the_very_same_model(model: Path, data: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    kill_after(command(model, data, cut, "--max-steps", "24"), cut / "checkpoints" / "checkpoint-8" / "complete")
    assert not (cut / "model").exists()
    partial = cut / "checkpoints" / "checkpoint-800"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"cut short")
    (cut / ".model-0").mkdir()

    assert "resuming from step" in finish(*command(model, data, cut, "--max-steps", "24"))
    assert sft.main(command(model, data, whole, "--max-steps", "24")[2:]) == 0

    assert [row["step"] for row in rows(cut)] == [1, *range(4, 25, 4)]
    assert [row["loss"] for row in rows(cut)] == pytest.approx([row["loss"] for row in rows(whole)], abs=1e-6)
    assert [row["tokens"] for row in rows(cut)] == [row["tokens"] for row in rows(whole)]
    import torch
    from safetensors.torch import load_file

    resumed, undisturbed = (load_file(folder / "model" / "model.safetensors") for folder in (cut, whole))
    for name, weights in undisturbed.items():
        torch.testing.assert_close(resumed[name], weights, atol=1e-6, rtol=0)
    assert sorted(path.name for path in cut.iterdir()) == ["loss.jsonl", "model", "run.json"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("trainer", ["sft", "dpo"])
def test_a_run_killed_five_times_at_random_ends_as_an_undisturbed_one(trainer: str, tmp_path: Path) -> None:
    given = kill_drill.training(tmp_path, trainer, world.make_model(tmp_path / "model"), kill_drill.STEPS)
    found = kill_drill.drill(tmp_path, given, kill_drill.moments(kill_drill.STEPS, 5, 0.15, random.Random(os.getpid())))
    assert len(found.kills) == 5
    assert found.rows
    assert found.loss <= 1e-6
    assert found.weights <= 1e-6


@pytest.mark.slow
def test_accelerate_launch_runs_the_same_command(model: Path, data: Path, tmp_path: Path) -> None:
    launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
    assert "final loss" in finish(*launch, *command(model, data, tmp_path / "run", "--max-steps", "2"))
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_with_twice_the_batch(model: Path, data: Path, tmp_path: Path) -> None:
    two = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29617"]
    said = finish(*two, *command(model, data, tmp_path / "two", "--max-steps", "8", "--batch-size", "4"))
    finish(*command(model, data, tmp_path / "one", "--max-steps", "8", "--batch-size", "8"))
    assert said.count("step 8/8") == 1, "the main process alone reports"
    both = [[row["loss"] for row in rows(tmp_path / name)] for name in ("two", "one")]
    assert both[0] == pytest.approx(both[1], abs=1e-4)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["device"].startswith("2 × ")


def test_dagster_pipes_gets_progress_and_the_materialization(model: Path, data: Path, tmp_path: Path) -> None:
    from dagster_pipes import encode_param

    messages = tmp_path / "messages"
    context = {"asset_keys": ["sft_model"], "provenance_by_asset_key": {"sft_model": None}, "run_id": "r", "extras": {}}
    context |= {"code_version_by_asset_key": {"sft_model": None}, "partition_key": None, "partition_key_range": None}
    context |= {"partition_time_window": None, "job_name": None, "retry_number": 0}
    env = {
        "DAGSTER_PIPES_CONTEXT": encode_param({"data": context}),
        "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(messages)}),
    }
    argv = command(model, data, tmp_path / "run", "--max-steps", "4")
    subprocess.run([sys.executable, *argv], env={**os.environ, **env}, check=True, capture_output=True, timeout=120)

    sent = [json.loads(line) for line in messages.read_text().splitlines()]
    logs = [message["params"]["message"] for message in sent if message["method"] == "log"]
    assert any(line.startswith("step 4/4: loss") for line in logs)
    (outcome,) = [message["params"] for message in sent if message["method"] == "report_asset_materialization"]
    assert outcome["asset_key"] == "sft_model"
    assert outcome["data_version"]
    assert outcome["metadata"]["loss curve"]["raw_value"].startswith("![loss by step](data:image/png;base64,iVBOR")
    assert outcome["metadata"]["final loss"]["raw_value"] > 1
    assert outcome["metadata"]["model"] == {"raw_value": str(tmp_path / "run" / "model"), "type": "path"}

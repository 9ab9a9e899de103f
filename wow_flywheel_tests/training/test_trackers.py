"""Metrics go to a tracker as well, if the config says so. `make test-extras` runs it."""

import json
from pathlib import Path

import pytest

from wow_flywheel.training import sft
from wow_flywheel_tests.training import world

mlflow = pytest.importorskip("mlflow", reason="the mlflow extra is not installed: `make test-extras`")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow's own warnings


def test_a_run_is_found_in_mlflow_by_the_name_of_its_folder(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "flywheel")
    argv = [
        "--model",
        str(model),
        "--train-file",
        str(data / "sft.jsonl"),
        "--output-dir",
        str(tmp_path / "cycle-7"),
        *world.SHORT,
    ]
    assert sft.main([*argv, "--max-steps", "4", "--report-to", "mlflow"]) == 0
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("flywheel").experiment_id])
    assert run.info.run_name == "cycle-7"
    steps = {each.step: each.value for each in client.get_metric_history(run.info.run_id, "loss")}
    rows = [json.loads(line) for line in (tmp_path / "cycle-7" / "loss.jsonl").read_text().splitlines()]
    assert steps == pytest.approx({row["step"]: row["loss"] for row in rows})

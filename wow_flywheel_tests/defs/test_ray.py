"""Training on a Ray cluster: two nodes on this machine, of which one has a processor to give. `make test-extras` runs it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from wow_flywheel.defs.training.child import QUIET_CHILD, run_child, write_config
from wow_flywheel_tests.training import world

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="the ray extra is not installed: `make test-extras`")
PORT = 8297
ROOT = Path(__file__).parents[2]
MEMORY = 100 * 2**20
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]  # Ray's own warnings


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A head without processors, so that a job's command can only run on the other node."""
    kept = dict(os.environ)
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    head = {"num_cpus": 0, "include_dashboard": True, "dashboard_port": PORT, "object_store_memory": MEMORY}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    yield f"http://127.0.0.1:{PORT}"
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture
def trained(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> dg.AssetsDefinition:
    monkeypatch.setenv("WOW_RAY_ADDRESS", address)
    monkeypatch.setenv("WOW_RAY_GPUS", "0")
    data = world.write_jsonl(tmp_path / "sft.jsonl", [{"messages": messages} for messages in world.dialogues(32)])
    config = {"model": str(world.make_model(tmp_path / "model")), "train_file": str(data), "output_dir": str(tmp_path / "run")}
    path = write_config(tmp_path, {**config, "max_steps": 4, "batch_size": 4, "max_length": 256, "save_steps": 0})

    @dg.asset
    def sft_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        pipes = dg.PipesSubprocessClient(env=QUIET_CHILD)
        return run_child(context, pipes, "wow_flywheel.training.sft", path).get_materialize_result()

    return sft_model


def test_a_trainer_runs_on_the_other_node_and_reports_to_the_step(trained: dg.AssetsDefinition, tmp_path: Path) -> None:
    result = dg.materialize([trained])
    assert result.success
    (event,) = result.asset_materializations_for_node("sft_model")
    assert event.metadata["steps"].value == 4
    assert event.metadata["loss curve"].value.startswith("![loss by step]")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["steps"] == 4
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


def test_a_trainer_that_fails_there_says_why(trained: dg.AssetsDefinition, tmp_path: Path) -> None:
    (tmp_path / "sft.jsonl").write_text("not JSON\n")
    result = dg.materialize([trained], raise_on_error=False)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "not JSON" in failure.step_failure_data.user_failure_data.description

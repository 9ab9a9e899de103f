"""How a step starts a trainer: as it is, or through `accelerate launch`."""

import json
from pathlib import Path

import dagster as dg
import pytest
import yaml

from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.training.child import QUIET_CHILD, run_child, write_config
from wow_flywheel_tests.training import world

pytestmark = pytest.mark.filterwarnings("ignore")  # Dagster's own, of its Pipes client
CONFIGS = Path(__file__).parents[2] / "wow_flywheel" / "training" / "configs"


def step(folder: Path, lines: list[dict] | None = None) -> dg.AssetsDefinition:
    """An asset that trains four steps."""
    rows = [{"messages": messages} for messages in world.dialogues(16)] if lines is None else lines
    data = world.write_jsonl(folder / "sft.jsonl", rows)
    config = {"model": str(world.make_model(folder / "model")), "train_file": str(data), "output_dir": str(folder / "run")}
    path = write_config(folder, {**config, "max_steps": 4, "batch_size": 4, "max_length": 256, "save_steps": 0})

    @dg.asset
    def sft_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        pipes = dg.PipesSubprocessClient(env=QUIET_CHILD)
        with plain_failures(context):
            return run_child(context, pipes, "wow_flywheel.training.sft", path).get_materialize_result()

    return sft_model


@pytest.mark.slow
def test_accelerate_launch_starts_a_trainer_and_the_step_hears_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checked-in file for several GPUs, told that there are none and one process."""
    given = yaml.safe_load((CONFIGS / "ddp.yaml").read_text())
    one = given | {"distributed_type": "NO", "num_processes": 1, "use_cpu": True}
    (tmp_path / "accelerate.yaml").write_text(yaml.safe_dump(one))
    monkeypatch.setenv("WOW_ACCELERATE_CONFIG", str(tmp_path / "accelerate.yaml"))
    result = dg.materialize([step(tmp_path)])
    (event,) = result.asset_materializations_for_node("sft_model")
    assert event.metadata["steps"].value == 4
    assert json.loads((tmp_path / "run" / "run.json").read_text())["device"].startswith("1 × CPU")


def test_a_launched_trainer_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accelerate.yaml").write_text("distributed_type: 'NO'\nnum_processes: 1\nuse_cpu: true\n")
    monkeypatch.setenv("WOW_ACCELERATE_CONFIG", str(tmp_path / "accelerate.yaml"))
    result = dg.materialize([step(tmp_path, [{"messages": "none"}])], raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert "line 1" in failure.step_failure_data.user_failure_data.description


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOW_ACCELERATE_CONFIG", str(tmp_path / "ddp.yaml"))
    result = dg.materialize([step(tmp_path)], raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert f"WOW_ACCELERATE_CONFIG: {tmp_path}/ddp.yaml is not there" in failure.step_failure_data.user_failure_data.description


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_accelerate_reads_the_checked_in_files(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.utils import DistributedType

    config = load_config_from_file(str(CONFIGS / f"{name}.yaml"))
    assert config.distributed_type == {"ddp": DistributedType.MULTI_GPU, "fsdp": DistributedType.FSDP}[name]
    assert config.num_processes == 2
    assert not config.use_cpu

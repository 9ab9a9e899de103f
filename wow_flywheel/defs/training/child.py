"""How a trainer or an evaluation is started: a plain command line in its own process, with its config in a file.

What belongs here: the config file, the command, whether it runs here or on a Ray cluster, and the message of a child that
failed. What does not: hyper-parameters (`recipes`).
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.errors import DagsterPipesExecutionError

from wow_flywheel.errors import SettingsError
from wow_flywheel.settings import Settings
from wow_flywheel.storage import write_atomic

QUIET_CHILD: Final = {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONUNBUFFERED": "1"}
"""Environment of the processes that load models: their progress bars would fill the log."""


def write_config(folder: Path, config: Mapping[str, Any]) -> Path:
    """Write a child's config, which holds no secret, to `<folder>/config.json`."""
    path = folder / "config.json"
    write_atomic(path, json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n")
    return path


def run_child(
    context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient, module: str, config: Path
) -> dg.PipesClientCompletedInvocation:
    """Run `python -m <module> --config <config>`, here or on the Ray cluster of `WOW_RAY_ADDRESS`.

    Trainers are started by `accelerate launch` where `WOW_ACCELERATE_CONFIG` names its file. The log lines of the command, and
    what it reports, become the step's own.

    Raises:
        SettingsError: The file that `WOW_ACCELERATE_CONFIG` names is not there.
        dagster.Failure: It failed; the description is its own message.
    """
    settings = Settings.from_env(os.environ)
    command = [*_launcher(settings, module), "-m", module, "--config", str(config)]
    try:
        if settings.ray_address is not None:
            return _on_ray(context, settings.ray_address, settings.ray_gpus, command)
        return pipes.run(context=context, command=[sys.executable, *command])
    except (DagsterPipesExecutionError, RuntimeError) as error:  # a Ray job that failed is a RuntimeError of dagster-ray's
        raise dg.Failure(
            description=f"{module}: {_last_words(context) or f'failed, see its output: {error}'}",
            metadata={"config": dg.MetadataValue.path(config)},
            allow_retries=False,
        ) from error


def _launcher(settings: Settings, module: str) -> list[str]:
    """What stands before a trainer on several GPUs; an evaluation runs in one process."""
    if settings.accelerate_config is None or not module.startswith("wow_flywheel.training."):
        return []
    file = Path(settings.accelerate_config).absolute()
    if settings.ray_address is None and not file.is_file():
        raise SettingsError(
            f"WOW_ACCELERATE_CONFIG: {file} is not there",
            hint="name a file like wow_flywheel/training/configs/ddp.yaml, with the number of GPUs as its num_processes",
        )
    return ["-m", "accelerate.commands.launch", "--config_file", str(file)]


def _on_ray(
    context: dg.AssetExecutionContext, address: str, gpus: int, command: list[str]
) -> dg.PipesClientCompletedInvocation:
    """Submit the command as a Ray job; the cluster needs this package's `train` extra, and the folder of models mounted.

    Raises:
        SettingsError: dagster-ray is not installed here.
    """
    try:
        from dagster_ray.core.pipes import PipesRayJobClient
    except ImportError as error:
        raise SettingsError(
            "WOW_RAY_ADDRESS is set, and dagster-ray is not installed", hint="pip install 'wow-flywheel[ray]'"
        ) from error
    share = {"entrypoint_num_gpus": gpus} if gpus else {"entrypoint_num_cpus": 1}
    job = {"entrypoint": shlex.join(["python", *command]), "runtime_env": {"env_vars": dict(QUIET_CHILD)}, **share}
    done: dg.PipesClientCompletedInvocation = PipesRayJobClient(address=address).run(context=context, submit_job_params=job)
    return done


def _last_words(context: dg.AssetExecutionContext) -> str | None:
    """The message that the child reported through Pipes as it ended, without its stack."""
    events = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for entry in reversed(events):
        event = entry.dagster_event
        if event and event.step_key == context.op_execution_context.get_step_execution_context().step.key:
            error = event.engine_event_data.error
            if error is not None:
                return str(error.message).strip()
    return None

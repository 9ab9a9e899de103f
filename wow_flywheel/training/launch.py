"""What every trainer's command line does before and after training.

What belongs here: the process's environment, the early checks, exit codes. What does not: training itself (`loop`).
"""

import argparse
import gc
import importlib.util
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from wow_flywheel.errors import FlywheelError, TrainingError
from wow_flywheel.training.config import TrainConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.options import parse
from wow_flywheel.training.provenance import identity, model_fingerprint, sha256
from wow_flywheel.training.report import Reporter, is_main, reporter

ConfigT = TypeVar("ConfigT", bound=TrainConfig)

QUIET_AND_OFFLINE = {
    "OMP_WAIT_POLICY": "passive",  # spinning threads cost up to five times the run where cores are shared
    "HF_HUB_DISABLE_TELEMETRY": "1",  # TRL would report each run
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}

Prepared = tuple[RunFolder, dict[str, Any]]


def run_command(
    config: type[ConfigT],
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    train: Callable[[ConfigT, RunFolder, dict[str, Any], Reporter, float], dict[str, Any]],
) -> int:
    """Parse, train and report; the body of a trainer's `main`.

    Returns:
        0 when the model is there, 1 after an error, which is printed to standard error and, under Pipes, told to Dagster.
    """
    started = time.time()
    prepare_process(os.environ)
    try:
        with reporter(os.environ) as report:
            parsed = parse(config, parser, argv)
            folder, facts = prepare(parser.prog.rpartition(".")[2], parsed, os.environ)
            record = folder.finished()
            if record:
                report.log(f"{folder.model} already holds the result of this very run: nothing to do")
            else:
                if is_main(os.environ):
                    folder.claim(overwrite=parsed.overwrite)
                with collector_at_rest(), warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")  # inside TRL 1.16
                    record = train(parsed, folder, facts, report, started)
            report.finished(record, folder.losses())
    except FlywheelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(trainer: str, config: TrainConfig, env: Mapping[str, str]) -> Prepared:
    """Hash data and model before anything heavy is imported, so that a finished run is recognised at once."""
    check_tracker(config.report_to)
    data = {name: sha256(Path(path)) for name, path in config.data_files().items()}
    model = model_fingerprint(config.model)
    key = identity(trainer, config, data, model, int(env.get("WORLD_SIZE", "1")))
    facts = {"trainer": trainer, "data_sha256": data, "model_sha256": model}
    return RunFolder(Path(config.output_dir), key), facts | {"identity": key}


def check_tracker(name: str) -> None:
    """The package that takes metrics must be there.

    Raises:
        TrainingError: It is not installed.
    """
    if name != "none" and importlib.util.find_spec(name) is None:
        raise TrainingError(f"report_to={name}, and {name} is not installed", hint=f"pip install {name}, or report_to=none")


def prepare_process(env: MutableMapping[str, str]) -> None:
    """Set what must be set before torch and the Hugging Face libraries load; what the user has set stays."""
    for name, value in QUIET_AND_OFFLINE.items():
        env.setdefault(name, value)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from walking the million objects that imports create: a fifth of the start-up time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def collect_only_new() -> None:
    """Turn the collector on again for what is created from here on."""
    gc.freeze()
    gc.enable()

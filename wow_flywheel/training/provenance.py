"""What a result hangs on: hashes of data and model, the commit of the code, the versions of the libraries.

What belongs here: reading facts. What does not: writing them (`folder`), the manifest of a dataset (`datasets`).
"""

import dataclasses
import hashlib
import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import UNHASHED, TrainConfig

WHOLE_FILE_BYTES = 1 << 30
"""Weights above this size are told apart by size, head and tail instead of by every byte."""

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "peft", "datasets", "tokenizers")


def sha256(path: Path) -> str:
    """Hash of a file's bytes.

    Raises:
        TrainingError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"data file {path} cannot be read ({error.strerror})", hint="check the path") from error


def model_fingerprint(model: str) -> str:
    """Hash of a local model's folder (config, tokenizer, weights); a hub id stands for itself."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in {"training.json", "README.md"}:
            digest.update(f"{path.name}\0{_content(path)}\0".encode())
    return digest.hexdigest()


def identity(trainer: str, config: TrainConfig, data: dict[str, str], model: str, processes: int) -> str:
    """Hash of all that decides a run's result.

    Args:
        trainer: `sft` or `dpo`.
        config: Its paths do not count, what lies there does.
        data: Hash of each data file by its field.
        model: The model's fingerprint.
        processes: Processes that train together, since they share out the examples.
    """
    values = {k: v for k, v in dataclasses.asdict(config).items() if k not in UNHASHED}
    facts = {"trainer": trainer, "processes": processes, **values, **data, "model": model}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def git_commit() -> str | None:
    """The commit of the checkout that this code runs from, with `-dirty` after uncommitted changes; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Installed version by library."""
    return {name: found for name in LIBRARIES if (found := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _content(path: Path) -> str:
    size = path.stat().st_size
    if size <= WHOLE_FILE_BYTES:
        return sha256(path)
    with path.open("rb") as stream:
        head = stream.read(1 << 20)
        stream.seek(-(1 << 20), 2)
        return hashlib.sha256(head + stream.read() + str(size).encode()).hexdigest()

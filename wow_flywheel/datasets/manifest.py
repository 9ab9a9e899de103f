"""The manifest of a cycle: what its datasets were made from, so that they and the model can be traced and rebuilt.

What belongs here: the record and its file. What does not: building datasets (`build`).
"""

import datetime as dt
import json
import subprocess
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import DatasetError
from wow_flywheel.storage import write_atomic

Counts = dict[str, dict[str, int]]


class Parents(BaseModel):
    """What the cycle's model starts from: the base model, and the release that was current."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_model: str
    previous_release: str | None = None


class Manifest(BaseModel):
    """What a cycle was made from.

    Attributes:
        cycle: The training cycle.
        created_at: When, with its UTC offset.
        source_partitions: Days whose rows are in the datasets.
        table_versions: Delta version of each table read, by table.
        files: SHA-256 of each dataset file, by file name.
        counts: Rows by value, by `<dataset>.<column>`: split, scenario, issue type, label.
        settings: The settings used, without secrets.
        git_commit: The code's commit, `-dirty` where files differ from it; None outside a checkout.
        parents: What the model starts from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cycle: str = Field(min_length=1)
    created_at: dt.datetime
    source_partitions: tuple[dt.date, ...]
    table_versions: dict[str, int]
    files: dict[str, str]
    counts: Counts
    settings: dict[str, Any] = Field(default_factory=dict)
    git_commit: str | None = None
    parents: Parents

    def save(self, path: Path) -> None:
        """Write the manifest as JSON, replacing the file whole."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True)
        write_atomic(path, text.encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            DatasetError: The file is missing or is no manifest; the message names the fields at fault.
        """
        if not path.is_file():
            raise DatasetError(f"there is no manifest at {path}", hint="build the cycle's datasets first")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            fields = sorted({".".join(map(str, each["loc"])) or "the file" for each in error.errors()})
            raise DatasetError(f"{path} is no manifest: {', '.join(fields)}", hint="rebuild the cycle's datasets") from None


def file_hashes(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file, by file name.

    Raises:
        DatasetError: Two files have the same name, or one is missing.
    """
    if len({path.name for path in paths}) < len(paths) or not all(path.is_file() for path in paths):
        raise DatasetError(f"cannot hash {[str(path) for path in paths]}", hint="each file exists, under a name of its own")
    hashes = {}
    for path in paths:
        with path.open("rb") as stream:
            hashes[path.name] = file_digest(stream, "sha256").hexdigest()
    return hashes


def count_by(dataset: str, frame: pl.DataFrame, *columns: str) -> Counts:
    """Rows by value of each column, under the key `<dataset>.<column>`; values in order, null counted as `unknown`."""
    counted = {name: frame[name].cast(pl.String).fill_null("unknown").value_counts() for name in columns}
    return {f"{dataset}.{name}": dict(sorted(rows.iter_rows())) for name, rows in counted.items()}


def git_commit(folder: Path) -> str | None:
    """The commit that a folder is checked out at, with `-dirty` where tracked files differ; None outside a git checkout."""
    head = _git(folder, "rev-parse", "HEAD")
    if head is None:
        return None
    return f"{head}-dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no") else head


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None

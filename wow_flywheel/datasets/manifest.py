"""The manifest of a cycle: what its datasets were made from, so that they and the model can be traced and rebuilt.

What belongs here: the record and its file. What does not: building datasets (`build`).
"""

import datetime as dt
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import DatasetError
from wow_flywheel.storage import write_atomic

Counts = dict[str, dict[str, int]]
Stage = Literal["sft", "dpo", "kto"]


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
        counts: Rows by value, by `<dataset>.<column>`: split, scenario, issue type, label; and `<dataset>.left_out`: rows that
            are not in it, by reason.
        settings: The settings used, without secrets.
        algorithm: How the rows were made from what was read (`build.ALGORITHM`); 1 for manifests that do not say it.
        recipe: What decided the rows beside that (`recipe.Recipe`); empty in manifests of algorithm 1.
        inputs: SHA-256 of what was read outside the tables (`external.External.hashes`).
        mix: What the SFT training set is made of, by source (`build.Datasets.mix`).
        licences: A note for each source.
        git_commit: The code's commit, `-dirty` where files differ from it (`training.provenance.git_commit`).
        parents: What the model starts from.
        candidate: The trainer that the cycle's candidate comes out of: `sft`, or `dpo` or `kto` after it; None in manifests
            from before KTO, see `stage`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cycle: str = Field(min_length=1)
    created_at: dt.datetime
    source_partitions: tuple[dt.date, ...]
    table_versions: dict[str, int]
    files: dict[str, str]
    counts: Counts
    settings: dict[str, Any] = Field(default_factory=dict)
    algorithm: int = 1
    recipe: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    mix: dict[str, dict[str, float]] = Field(default_factory=dict)
    licences: dict[str, str] = Field(default_factory=dict)
    git_commit: str | None = None
    parents: Parents
    candidate: Stage | None = None

    @property
    def stage(self) -> Stage:
        """The trainer that the cycle's candidate comes out of; in manifests that do not say it, by the counts of pairs."""
        return self.candidate or stage_of(self.counts)

    @property
    def build(self) -> str:
        """The name of this build of the cycle: SHA-256 over the hashes of its files."""
        return build_of(self.files)

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


def build_of(files: Mapping[str, str]) -> str:
    """The name of the build that gave these files."""
    return sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()


def stage_of(counts: Counts) -> Stage:
    """The trainer that a cycle's candidate comes out of: DPO where there are pairs to train on, KTO where there are labelled
    replies instead, else SFT.
    """
    if counts["preference_dataset.split"].get("train"):
        return "dpo"
    return "kto" if counts.get("labelled_dataset.label") else "sft"


def counts_of(sft: pl.DataFrame, preferences: pl.DataFrame, labelled: pl.DataFrame) -> Counts:
    """All counts of a cycle's datasets: each column's values, and the hold-out of each scenario; of labelled replies, if there
    are any, the issue types of the bad ones.
    """
    counts = count_by("sft_dataset", sft, "split", "source", "scenario", "language")
    counts |= count_by("preference_dataset", preferences, "split", "scenario", "issue_type", "language")
    if labelled.height:
        counts |= count_by("labelled_dataset", labelled, "label", "scenario", "language")
        counts |= count_by("labelled_dataset", labelled.filter(label="bad"), "issue_type")
    counts |= count_by("sft_dataset.held_out", sft.filter(split="held_out"), "scenario")
    return counts | count_by("preference_dataset.held_out", preferences.filter(split="held_out"), "scenario", "issue_type")


def count_by(dataset: str, frame: pl.DataFrame, *columns: str) -> Counts:
    """Rows by value of each column, under the key `<dataset>.<column>`; values in order, null counted as `unknown`."""
    counted = {name: frame[name].cast(pl.String).fill_null("unknown").value_counts() for name in columns}
    return {f"{dataset}.{name}": dict(sorted(rows.iter_rows())) for name, rows in counted.items()}

"""Which rows each dataset file had, recorded when it was written: what a model that was trained on the file saw.

What belongs here: recording, and asking who was in which file. What does not: models and releases (`forget.models`).

A cycle may be built again, and `conversations forget` removes the old versions of every table: neither today's rows nor a
table's version can say for good what an earlier model saw. So the table `dataset_rows` keeps the names of a file's rows, by the
SHA-256 that the manifest, the release and the trainer's run name it by. It holds no text, and a person who is forgotten leaves
it too.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wow_flywheel.contracts import DATASET_ROWS
from wow_flywheel.datasets.build import Datasets
from wow_flywheel.datasets.files import LABELLED, parts
from wow_flywheel.lake import Lake

TRAINED: Final = {
    "sft_dataset": "sft.train.jsonl",
    "preference_dataset": "preferences.train.jsonl",
    "labelled_dataset": LABELLED,
}
"""The file that a model is trained on, by dataset."""
STAGES: Final = {
    "sft": ("sft_dataset",),
    "dpo": ("sft_dataset", "preference_dataset"),
    "kto": ("sft_dataset", "labelled_dataset"),
}
"""The datasets that a cycle's model of each trainer learned from, its own last."""


def record_rows(lake: Lake, datasets: Datasets, cycle: str, files: Mapping[str, str]) -> None:
    """Record the rows of a cycle's files; a file that is recorded already stays as it is.

    Args:
        lake: Where to.
        datasets: The rows.
        cycle: The cycle's name.
        files: SHA-256 by file name.
    """
    known = set(lake.scan("dataset_rows").filter(pl.col("cycle") == cycle).select("file").unique().collect()["file"])
    frames = [
        _named(rows.lazy()).with_columns(dataset=pl.lit(dataset), file=pl.lit(files[name]))
        for name, dataset, rows, _ in parts(datasets)
        if files[name] not in known and rows.height
    ]
    if frames:
        lake.append("dataset_rows", pl.concat(frames, how="diagonal_relaxed").collect())


def recorded_rows(lake: Lake) -> pl.LazyFrame:
    """The rows of every dataset file there was: `dataset_rows`; of cycles from before it today's rows, `file` null."""
    rows = lake.scan("dataset_rows").unique()
    since = rows.select("cycle").unique()
    before = [
        _named(lake.scan(dataset)).with_columns(dataset=pl.lit(dataset)).join(since, on="cycle", how="anti")
        for dataset in TRAINED
    ]
    return pl.concat([rows, *before], how="diagonal_relaxed").select(list(DATASET_ROWS.columns))


def _named(rows: pl.LazyFrame) -> pl.LazyFrame:
    columns = set(rows.collect_schema().names())
    if "label" in columns:  # what a labelled reply comes from is what it is labelled
        rows, columns = rows.with_columns(source=pl.format("{}_case", "label")), columns | {"source"}
    return rows.select([name for name in DATASET_ROWS.columns if name in columns])

"""The lines of files outside the tables that a dataset was made from, kept so that it can be made again without the files.

What belongs here: keeping them and reading them back. What does not: reading the files (`external`), the tables that a dataset
is made from, whose versions the manifest names (`cycle`).

Each line is kept once, by the SHA-256 of its content, in the table `input_lines`; `cycle_inputs` lists which lines a build read
and in what order. Of general data only what was drawn is kept. `conversations forget` empties both tables of a person as it
does all others: a build that lacks a line is refused.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, CYCLE_INPUTS, INPUT_LINES
from wow_flywheel.datasets.contamination import TEXTS
from wow_flywheel.datasets.external import GENERAL_SCHEMA, External
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.errors import DatasetError
from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA, PROCEDURE_SCHEMA
from wow_flywheel.lake import Lake

Columns: TypeAlias = Mapping[str, pl.DataType | type[pl.DataType]]
SHAPES: Final[Mapping[str, Columns]] = {
    "human": CONVERSATIONS.columns,
    "general": GENERAL_SCHEMA,
    "evaluation": TEXTS,
    "knowledge": KNOWLEDGE_SCHEMA,
    "procedures": PROCEDURE_SCHEMA,
}
"""The columns of each kind of input, which is also its field of `External`."""
WHOSE: Final = ("dt", "conversation_id", "user_id")


def keep(lake: Lake, external: External, general: pl.Series, cycle: str, build: str) -> None:
    """Keep the lines that a build read.

    Args:
        lake: Where to.
        external: What was read.
        general: conversation_id of the general data that were drawn; the others decide nothing.
        cycle: The cycle's name.
        build: The build's, see `Manifest.build`.
    """
    lines = pl.concat([_lines(kind, external, general) for kind in SHAPES])
    kept = lake.scan("input_lines").select("kind", "digest")
    new = lines.unique(["kind", "digest"], maintain_order=True).join(kept.collect(), on=["kind", "digest"], how="anti")
    if new.height:
        lake.append("input_lines", new.select(list(INPUT_LINES.columns)))
    listed = lake.scan("cycle_inputs").filter(pl.col("cycle") == cycle, pl.col("build") == build).select(pl.len()).collect()
    if lines.height and not listed.item():
        used = lines.with_columns(cycle=pl.lit(cycle), build=pl.lit(build))
        lake.append("cycle_inputs", used.select(list(CYCLE_INPUTS.columns)))


def kept(lake: Lake, manifest: Manifest) -> External:
    """What a build read, as it was kept.

    Raises:
        DatasetError: A line is kept no more.
    """
    found = _listed(lake, manifest).sort("kind", "place")
    absent = found.filter(pl.col("content").is_null()).group_by("kind").len().sort("kind")
    if absent.height:
        counted = ", ".join(f"{count} of {kind}" for kind, count in absent.iter_rows())
        raise DatasetError(
            f"cycle {manifest.cycle} cannot be rebuilt exactly: lines that it was made from are kept no more ({counted})",
            hint="`conversations forget` removed a person's dialogues between people; build a new cycle without them",
        )
    frames: dict[str, Any] = {
        kind: found.filter(kind=kind).select(pl.col("content").str.json_decode(pl.Struct(shape))).unnest("content")
        for kind, shape in SHAPES.items()
        if not found.filter(kind=kind).is_empty()
    }
    return External(**frames, hashes=manifest.inputs, licences=manifest.licences)


def all_kept(lake: Lake, manifest: Manifest) -> bool:
    """Whether every line that a build read is still there."""
    return not _listed(lake, manifest)["content"].has_nulls()


def _listed(lake: Lake, manifest: Manifest) -> pl.DataFrame:
    """The lines of a build: kind, place, content (null where it is gone)."""
    rule = (pl.col("cycle") == manifest.cycle) & (pl.col("build") == manifest.build)
    used = lake.scan("cycle_inputs").filter(rule).unique(["kind", "place"]).collect()
    lines = lake.scan("input_lines").join(used.lazy().select("kind", "digest").unique(), on=["kind", "digest"], how="semi")
    once = lines.unique(["kind", "digest"]).select("kind", "digest", "content").collect()
    return used.join(once, on=["kind", "digest"], how="left").select("kind", "place", "content")


def _lines(kind: str, external: External, general: pl.Series) -> pl.DataFrame:
    rows: pl.DataFrame = getattr(external, kind)
    if kind == "general":
        rows = rows.filter(pl.col("conversation_id").is_in(general.implode()))
    content = rows.select(pl.struct(list(SHAPES[kind])).struct.json_encode()).to_series()
    digests = pl.Series([sha256(text.encode()).hexdigest() for text in content], dtype=pl.String)
    whose = [
        pl.col(name).cast(INPUT_LINES.columns[name]) if kind == "human" else pl.lit(None, INPUT_LINES.columns[name]).alias(name)
        for name in WHOSE
    ]
    named = rows.select(*whose, kind=pl.lit(kind), digest=digests, content=content)
    return named.select("kind", "digest", "content", *WHOSE).with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64))

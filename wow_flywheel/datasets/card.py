"""The dataset card: what a cycle's datasets are, for people and for the Hugging Face hub.

What belongs here: its words. What does not: the numbers (`manifest`), the files that it describes (`files`, `export`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wow_flywheel.datasets.manifest import Manifest

CARD: Final = "README.md"
CONFIGS: Final = {"sft": "sft_dataset", "preferences": "preference_dataset"}
SPLITS: Final = {"train": "train", "validation": "validation", "held_out": "test"}
"""Split of the hub by split of the tables: `load_dataset` knows `test`."""
SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(
    manifest: Manifest, sft: pl.DataFrame, preferences: pl.DataFrame, files: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The card as Markdown with front matter as the hub reads it.

    Args:
        manifest: Of the cycle.
        sft: Contract `sft_dataset`.
        preferences: Contract `preference_dataset`.
        files: `<config>/<split>` of each exported Parquet file; None for the cycle's own folder of JSON Lines.
    """
    import yaml

    head = yaml.safe_dump(front_matter(manifest, sft, preferences, files), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{head}---", f"# Datasets of cycle {manifest.cycle}", _what(manifest), "## Rows", _rows(manifest)]
    parts += ["## Mix of the SFT training set", _mix(manifest), "## Left out", _left_out(manifest)]
    parts += ["## Licences", *(f"- `{name}`: {note}" for name, note in sorted(manifest.licences.items()))]
    parts += ["## Made from", _made_from(manifest)]
    return "\n\n".join(parts) + "\n"


def front_matter(
    manifest: Manifest, sft: pl.DataFrame, preferences: pl.DataFrame, files: Mapping[str, Sequence[str]] | None
) -> dict[str, Any]:
    """The card's metadata: languages, size, tasks, and for an export its configs."""
    spoken = {*sft["language"], *preferences["language"]} - {"und"}
    rows = sft.height + preferences.height
    head: dict[str, Any] = {
        "pretty_name": f"wow_flywheel datasets of cycle {manifest.cycle}",
        "language": sorted(spoken),
        "license": "other",
        "license_name": "see-licences-below",
        "task_categories": ["text-generation"],
        "size_categories": [next((name for limit, name in SIZES if rows < limit), "n>1M")],
        "tags": ["customer-service", "sft", "dpo", "preference", *(["kto"] if manifest.stage == "kto" else [])],
    }
    if files is not None:
        head["configs"] = [
            {"config_name": name, "data_files": [{"split": each, "path": f"data/{name}/{each}.parquet"} for each in splits]}
            for name, splits in files.items()
        ]
    return head


def _what(manifest: Manifest) -> str:
    days = ", ".join(map(str, manifest.source_partitions))
    labelled = (
        " It has no preference pairs to train on: the model is tuned by KTO on `labelled_dataset`, last replies of Good Cases "
        "(good) and what was said where Bad Cases went wrong (bad)."
        if manifest.stage == "kto"
        else ""
    )
    return (
        f"From the days {days}. Assistant turns are unified dialogue-action JSON: knowledge used, reply, action. Personal data "
        "was redacted before anything was stored. Everything that shares a customer, a conversation or nearly its words is on "
        "one side of the split, and what one cycle holds out no later one trains on." + labelled
    )


def _rows(manifest: Manifest) -> str:
    keys = [key for key in manifest.counts if not key.endswith("left_out")]
    lines = [(key, value, n) for key in keys for value, n in manifest.counts[key].items()]
    return _table(("dataset and column", "value", "rows"), lines)


def _mix(manifest: Manifest) -> str:
    lines = []
    for source, part in manifest.mix.items():
        asked = f"{part['asked']:.0%}" if "asked" in part else "–"
        lines.append((source, int(part["rows"]), f"{part['share']:.1%}", asked))
    table = _table(("source", "rows", "share of bytes", "asked for"), lines)
    general = manifest.mix.get("general", {})
    if not general.get("available_rows"):
        return f"{table}\n\nNo general data is configured (`WOW_GENERAL_URI`), so none is mixed in."
    if general["share"] < 0.95 * general["asked"]:
        return f"{table}\n\nThere is too little general data for the share that was asked for; nothing is repeated to reach it."
    return table


def _left_out(manifest: Manifest) -> str:
    found = {key.removesuffix(".left_out"): by for key, by in manifest.counts.items() if key.endswith(".left_out")}
    return _table(("dataset", "why", "rows"), [(name, why, n) for name, by in found.items() for why, n in by.items() if n])


def _made_from(manifest: Manifest) -> str:
    facts = [("table", name, f"version {version}") for name, version in sorted(manifest.table_versions.items())]
    facts += [("input", name, digest[:16]) for name, digest in sorted(manifest.inputs.items())]
    facts += [("file", name, digest[:16]) for name, digest in sorted(manifest.files.items())]
    facts += [("code", "commit", manifest.git_commit or "unknown"), ("code", "algorithm", str(manifest.algorithm))]
    again = f"`wow-flywheel datasets rebuild --cycle {manifest.cycle} --check` makes the files again and compares every byte."
    return _table(("what", "name", "version or start of its SHA-256"), facts) + "\n\n" + again


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "None."
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in cells)

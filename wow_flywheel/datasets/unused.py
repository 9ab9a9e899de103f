"""Preference pairs that a next cycle would train on and no cycle has looked at: what decides when one opens.

What belongs here: counting them, from tables and manifests alone. What does not: opening a cycle (`defs.sensors`), all that
building a cycle leaves out (`build`): of that, what takes a scan of texts or components is known only once it was built, and a
pair that a cycle has looked at and left out is not new to the next one.
"""

import datetime as dt
from pathlib import Path
from typing import Final

import polars as pl

from wow_flywheel.datasets.cycle import MANIFEST
from wow_flywheel.datasets.limits import repeats, without
from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.datasets.tables import Tables, newest_days
from wow_flywheel.lake import Lake

PAIR: Final = ("dt", "pair_id")


def unused_pairs(lake: Lake, models: Path, window_days: int) -> tuple[dt.date | None, int]:
    """The newest day with pairs to train on that no cycle has looked at, and how many there are.

    Left out are pairs of held-out customers, of duplicates, those that a changed policy made stale, and those of days before
    the window of a cycle that opens now.

    Args:
        lake: The tables.
        models: `WOW_MODELS_URI`, with the manifests of the cycles.
        window_days: How many days with cases feed a cycle.
    """
    tables = Tables.now(lake)
    pairs = tables.current("preference_pairs").select(*PAIR, "conversation_id", "user_id")
    trained = pairs.filter(split_expr(pl.col("user_id")) == "train").collect()
    once = without(trained, repeats(tables.scan("duplicates"), tables.scan("fingerprints")))
    fresh = _unseen(once.join(tables.scan("preference_dataset").collect(), on="pair_id", how="anti"), lake, models)
    if fresh.is_empty():
        return None, 0
    newest: dt.date = max(fresh["dt"])
    days = newest_days(tables.scan("cases"), newest, window_days)
    inside = fresh.filter(pl.col("dt") >= days[0]) if days else fresh
    return newest, inside["pair_id"].n_unique()


def _unseen(pairs: pl.DataFrame, lake: Lake, models: Path) -> pl.DataFrame:
    """The pairs that were not there when a cycle read their day.

    Where the version of then is gone, all pairs of the day count as seen: a cycle opens rather late than again and again.
    """
    for path in sorted((models / "cycles").glob(f"*/{MANIFEST}"), reverse=True):
        manifest = Manifest.load(path)
        days = pl.col("dt").is_in(list(manifest.source_partitions))
        if pairs.filter(days).is_empty() or (version := manifest.table_versions.get("preference_pairs")) is None:
            continue
        seen = pairs.filter(days)
        if lake.has_version("preference_pairs", version):
            seen = lake.scan("preference_pairs", version=version).filter(days).select(PAIR).collect()
        pairs = pairs.join(seen, on=list(PAIR), how="anti")
    return pairs

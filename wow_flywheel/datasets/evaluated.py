"""What a cycle's models will be evaluated on, as texts that no training row may hold.

What belongs here: which texts those are, beside the held-out rows of the datasets themselves. What does not: the comparison
(`contamination`), choosing the turns of Bad Cases (`evaluation.repair`), the folder of further sets (`external`).

Customers who are played live are no text: they never train (`components`).
"""

import datetime as dt
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl

from wow_flywheel.datasets.components import UNIT
from wow_flywheel.datasets.contamination import SHAPE, TEXTS
from wow_flywheel.datasets.json_files import files, records, texts
from wow_flywheel.datasets.recipe import Folders
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.datasets.tables import Tables
from wow_flywheel.dialogue import to_chat
from wow_flywheel.errors import DatasetError
from wow_flywheel.evaluation.repair import held_out_sites

SITES: Final = "repair_sites"
"""The set of the prompts that models get at the turns where held-out Bad Cases went wrong."""
GENERAL_SET: Final = "WOW_GENERAL_SET"


def site_texts(tables: Tables, days: Sequence[dt.date]) -> pl.DataFrame:
    """The prompts at the turns of held-out Bad Cases; columns `TEXTS`, a row's name is the site's.

    Args:
        tables: With cases, conversations and inspections.
        days: Of the cycle.
    """
    held = (pl.col("label") == "bad") & (split_expr(pl.col("user_id")) == "held_out")
    cases = tables.of_days("cases", days).filter(held).collect()
    theirs = cases.lazy().select(UNIT)
    talks, found = (
        tables.of_days(name, days).join(theirs, on=list(UNIT), how="semi").collect()
        for name in ("conversations", "inspections")
    )
    rows = [
        (SITES, site.pair_id, "\x02".join(["", *(message["content"] for message in to_chat(site.prompt))]), site.user_id)
        for site in held_out_sites(cases, talks, found)
    ]
    frame = pl.DataFrame(rows, schema=TEXTS, orient="row")
    return frame.with_columns(pl.col("text").str.replace_many(list(SHAPE), ["\x04"] * len(SHAPE)))


def read_evaluation_sets(folders: Folders, hashes: dict[str, str] | None = None) -> pl.DataFrame:
    """The rows of the evaluation sets that lie in files; columns `TEXTS`: set (the file), row (its line), all texts of a line.

    Args:
        folders: `evaluation_sets` and `general_set` count.
        hashes: Gets SHA-256 of each file, as `evaluation:<set>`.

    Raises:
        DatasetError: A file is missing or damaged, or a line is no JSON object.
    """
    found = list(files(folders.evaluation_sets, "WOW_EVALUATION_SETS_URI")) if folders.evaluation_sets is not None else []
    if folders.general_set is not None:
        found.append((GENERAL_SET, _bytes(Path(folders.general_set))))
    rows = []
    for name, data in found:
        if hashes is not None:
            hashes[f"evaluation:{name}"] = sha256(data).hexdigest()
        rows += [(name, f"line {number}", "\n".join(texts(record)), None) for number, record in records(data, name)]
    return pl.DataFrame(rows, schema=TEXTS, orient="row")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{GENERAL_SET}: {path} cannot be read ({error.strerror})", hint='name a file of lines like {"text": "…"}'
        ) from error

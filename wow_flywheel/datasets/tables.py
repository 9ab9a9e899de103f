"""The tables that a cycle's datasets are made from, each at one version.

What belongs here: reading tables at versions, what other cycles did, rows of earlier cycles to replay. What does not: what is
made of them (`build`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from deltalake.exceptions import DeltaError

from wow_flywheel.contracts import TABLES
from wow_flywheel.datasets.components import UNIT, History
from wow_flywheel.datasets.mixing import replayed
from wow_flywheel.datasets.recipe import Recipe
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake

DATASETS: Final = {"sft_dataset": "conversation_id", "preference_dataset": "pair_id", "labelled_dataset": "reply_id"}
"""The key of a row, by dataset."""
READ: Final = (
    "conversations", "cases", "inspections", "preference_pairs", "duplicates", "fingerprints", "stale_cases", *DATASETS,
)  # fmt: skip
JUDGED: Final = ("cases", "preference_pairs")
"""Tables whose rows rest on policies: those that are marked stale are not read."""
SIDE: Final = (*UNIT, "user_id", "scenario", "split")


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of a lake at fixed versions.

    Attributes:
        lake: Where they lie.
        versions: By table; one that is not named did not exist, and has no rows.
    """

    lake: Lake
    versions: Mapping[str, int]

    @classmethod
    def now(cls, lake: Lake) -> "Tables":
        """All of them at their newest versions."""
        return cls(lake, {name: version for name in READ if (version := lake.version(name)) is not None})

    def scan(self, name: str) -> pl.LazyFrame:
        """The rows of a table.

        Raises:
            DatasetError: The table has this version no more.
        """
        if name not in self.versions:
            return TABLES[name].empty().lazy()
        try:
            return self.lake.scan(name, version=self.versions[name]).select(list(TABLES[name].columns))
        except (DeltaError, OSError, pl.exceptions.PolarsError):
            raise gone(name, self.versions[name]) from None

    def of_days(self, name: str, days: Sequence[dt.date]) -> pl.LazyFrame:
        """The rows of some days; of cases and pairs, those that rest on the policies of now."""
        return self.current(name).filter(pl.col("dt").is_in(list(days)))

    def current(self, name: str) -> pl.LazyFrame:
        """The rows of a table; of cases and pairs, without those that a changed policy made stale."""
        rows = self.scan(name)
        return rows.join(self.scan("stale_cases"), on=list(UNIT), how="anti") if name in JUDGED else rows

    def stale(self, days: Sequence[dt.date]) -> dict[str, int]:
        """How many Good Cases and pairs of some days are left out as stale, by dataset."""
        good = self.scan("cases").filter(pl.col("label") == "good")
        rows = {"sft_dataset": good, "preference_dataset": self.scan("preference_pairs")}
        found = {}
        for name, table in rows.items():
            of_days = table.filter(pl.col("dt").is_in(list(days))).join(self.scan("stale_cases"), on=list(UNIT), how="semi")
            found[name] = int(of_days.select(pl.len()).collect().item())
        return found

    def history(self, cycle: str) -> History:
        """Whom and what all other cycles trained on (or stopped by) and held out; rows that are no conversation left out."""
        side = pl.when(pl.col("split") == "validation").then(pl.lit("train")).otherwise("split").alias("split")
        parts = [self.scan(name).filter(pl.col("cycle") != cycle).with_columns(side).select(SIDE) for name in DATASETS]
        return History(pl.concat(parts).drop_nulls(["user_id", "dt"]).unique().collect())

    def prints(self, units: pl.DataFrame) -> pl.DataFrame:
        """The fingerprints of conversations.

        Args:
            units: dt, conversation_id.
        """
        return self.scan("fingerprints").join(units.lazy().select(UNIT).unique(), on=list(UNIT), how="semi").collect()

    def replay(self, name: str, own: pl.DataFrame, cycle: str, recipe: Recipe) -> pl.DataFrame:
        """Training rows of earlier cycles that are still what they were: Good Cases that are still good, pairs that still are.

        Args:
            name: `sft_dataset` or `preference_dataset`.
            own: The cycle's own rows.
            cycle: The cycle's name.
            recipe: The share and the decay.
        """
        key = DATASETS[name]
        trained = self.scan(name).filter(pl.col("cycle") < cycle, pl.col("split") == "train", pl.col("from_cycle").is_null())
        keys = self._still(name, trained).select("cycle", *UNIT, *({key} - {*UNIT}))
        others = keys.join(own.lazy().select(key), on=key, how="anti").collect()
        chosen = replayed(others, key, own.height, cycle, recipe.replay_share, recipe.replay_decay)
        wanted = chosen.select(key, cycle="from_cycle")
        rows = trained.join(wanted.lazy(), on=["cycle", key], how="semi").collect().sort("cycle", "dt", key)
        old = [
            pl.col("language").fill_null("und"),
            *([pl.col("source").fill_null("good_case")] if "messages" in rows.columns else []),
        ]
        marked = rows.with_columns(*old, from_cycle="cycle", cycle=pl.lit(cycle))
        return marked.select(list(TABLES[name].columns))

    def _still(self, name: str, trained: pl.LazyFrame) -> pl.LazyFrame:
        if name == "preference_dataset":
            return trained.join(self.current("preference_pairs"), on=["dt", "pair_id"], how="semi")
        good = self.current("cases").filter(pl.col("label") == "good")
        old = pl.col("source").fill_null("good_case")
        of_cases = trained.filter(old == "good_case").join(good, on=list(UNIT), how="semi")
        return pl.concat([of_cases, trained.filter(old == "human")])


def gone(name: str, version: int, forgotten: dt.date | None = None) -> DatasetError:
    """The refusal of a table's version that cannot be read.

    Args:
        name: The table.
        version: Its version.
        forgotten: When `conversations forget`, which removes old versions, ran since; None if it did not.
    """
    why = (
        "a vacuum removed it"
        if forgotten is None
        else f"`conversations forget` removed it on {forgotten}, with a person's rows"
    )
    return DatasetError(
        f"table {name} has its version {version} no more: {why}",
        hint="a backup of the lake from before can still give this dataset; or build a new cycle",
    )


def newest_days(cases: pl.LazyFrame, until: dt.date, count: int) -> list[dt.date]:
    """The newest `count` days with cases up to a day, in order: the window of a cycle.

    Args:
        cases: Contract `cases`.
        until: The last day that may be among them.
        count: How many days feed a cycle.
    """
    return sorted(cases.filter(pl.col("dt") <= until).select("dt").unique().collect()["dt"])[-count:]

"""What hangs together, and on which side of the split it lies: one side for all that shares a customer, a conversation or
nearly its words.

What belongs here: connected components and their sides. What does not: the hash of a customer (`split`), finding near
duplicates (`conversations.duplicates`).

    1  Rows are linked by customer, by conversation id and by near duplicates; rows linked in any number of steps are one
       component.
    2  A component that holds somebody or something held out in another cycle is held out; of one that also holds what another
       cycle was trained on, the rows that are not held out leave. Nothing ever goes from held out to training.
    3  A component with training rows of another cycle and nothing held out trains.
    4  A new component goes where the hash of one of its customers says, drawn by another hash, so that its size changes
       nothing. Customers whose own hash holds them out never train, since simulated customers are chosen by it: in a component
       that trains, their rows leave.
    5  A scenario without anything held out gets its smallest new components, a fifth of them, held out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wow_flywheel.conversations.duplicates.near import links_within, near
from wow_flywheel.datasets.split import HELD_OUT_SHARE, split_expr

SMALLEST: Final = 5
"""Components of a scenario from which on one of them may be held out for it."""
UNIT: Final = ("dt", "conversation_id")


@dataclass(frozen=True, slots=True)
class History:
    """What other cycles did with whom: rows `dt`, `conversation_id`, `user_id`, `scenario`, `split`."""

    rows: pl.DataFrame

    def side(self, split: str) -> pl.DataFrame:
        """The rows of one side."""
        return self.rows.filter(split=split)


def sides(
    rows: pl.DataFrame, prints: pl.DataFrame, history: History, past_prints: pl.DataFrame, similarity: float
) -> pl.DataFrame:
    """The side of each conversation.

    Args:
        rows: dt, conversation_id, user_id, scenario; all that either dataset of a cycle takes from conversations.
        prints: Contract `fingerprints`, of these conversations; one without is linked by customer and
            id alone.
        history: Of other cycles.
        past_prints: Contract `fingerprints`, of the history's conversations.
        similarity: Estimated Jaccard from which on conversations are linked.

    Returns:
        dt, conversation_id, component (from 0), side (train, held_out, or null for a row that leaves), why (it leaves: merged
        or reserved_customer).
    """
    units = rows.select(*UNIT, "user_id", "scenario").unique(UNIT).sort(*UNIT).with_row_index("unit")
    units = units.with_columns(unit=pl.col("unit").cast(pl.Int64))
    marked = _known(units, history, _near_past(units, prints, past_prints, history, similarity))
    labelled = marked.with_columns(component=components(units, _links(units, prints, similarity)))
    return _held_for_scenarios(_sided(labelled), history).select(*UNIT, "component", "side", "why")


def components(units: pl.DataFrame, links: pl.DataFrame) -> pl.Series:
    """The component of each row, from 0: rows of a customer, of a conversation id, and linked ones, are of one.

    Args:
        units: conversation_id, user_id.
        links: `row` and `of_row`, places in `units`.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = units.height
    customers = _codes(units["user_id"]) + count
    talks = _codes(units["conversation_id"]) + (int(customers.max()) + 1 if count else count)
    place = np.arange(count)
    ends = np.concatenate([customers, talks, links["of_row"].to_numpy()])
    starts = np.concatenate([place, place, links["row"].to_numpy()])
    nodes = int(talks.max()) + 1 if count else 0
    graph = coo_matrix((np.ones(starts.size, np.bool_), (starts, ends)), shape=(nodes, nodes))
    labels = connected_components(graph, directed=False)[1][:count] if count else place
    return pl.Series("component", labels.astype(np.int64)).rank("dense").cast(pl.Int64) - 1


def _codes(names: pl.Series) -> NDArray[np.int64]:
    return names.rank("dense").cast(pl.Int64).to_numpy() - 1


def _placed(units: pl.DataFrame, prints: pl.DataFrame) -> pl.DataFrame:
    """The fingerprints of the units that have a comparable one, in the order of units."""
    return units.select("unit", *UNIT).join(prints, on=UNIT, how="inner").filter(pl.col("bands").is_not_null()).sort("unit")


def _links(units: pl.DataFrame, prints: pl.DataFrame, similarity: float) -> pl.DataFrame:
    placed = _placed(units, prints)
    if placed.is_empty():
        return pl.DataFrame(schema={"row": pl.Int64, "of_row": pl.Int64})
    found = links_within(placed, similarity)
    return pl.DataFrame({name: placed["unit"][found[name]] for name in ("row", "of_row")})


def _near_past(
    units: pl.DataFrame, prints: pl.DataFrame, past: pl.DataFrame, history: History, similarity: float
) -> Mapping[str, pl.Series]:
    """By side, the units that nearly repeat a conversation that another cycle put there."""
    placed, found = _placed(units, prints), {}
    for split in ("held_out", "train"):
        theirs = past.join(history.side(split), on=UNIT, how="semi").filter(pl.col("bands").is_not_null())
        rows = near(placed, theirs, similarity)["row"] if placed.height and theirs.height else pl.Series([], dtype=pl.Int64)
        found[split] = placed["unit"][rows]
    return found


def _known(units: pl.DataFrame, history: History, near_past: Mapping[str, pl.Series]) -> pl.DataFrame:
    """With `was_held` (they were, by name or by words), `was_trained`, `held_name` (by name) and `reserved` (by hash)."""
    names = {
        split: pl.col("user_id").is_in(theirs["user_id"].drop_nulls().unique().implode())
        | pl.col("conversation_id").is_in(theirs["conversation_id"].unique().implode())
        for split in ("held_out", "train")
        for theirs in (history.side(split),)
    }
    return units.with_columns(
        held_name=names["held_out"],
        was_held=names["held_out"] | pl.col("unit").is_in(near_past["held_out"].implode()),
        was_trained=(names["train"] | pl.col("unit").is_in(near_past["train"].implode())) & ~names["held_out"],
        reserved=split_expr(pl.col("user_id")) == "held_out",
    )


def _sided(units: pl.DataFrame) -> pl.DataFrame:
    customers = units["user_id"].unique()
    draws = pl.DataFrame(
        {"user_id": customers, "draw": [sha256(f"component:{each}".encode()).hexdigest() for each in customers]}
    )
    drawn = units.join(draws, on="user_id", how="left", maintain_order="left")
    chosen = pl.col("reserved").sort_by("draw").first()
    whole = drawn.with_columns(
        held=pl.col("was_held").any().over("component"),
        trained=pl.col("was_trained").any().over("component"),
        hashed=chosen.over("component"),
    )
    new = ~pl.col("held") & ~pl.col("trained")
    merged = pl.col("held") & pl.col("trained")
    stays_held = (merged & pl.col("held_name")) | (pl.col("held") & ~merged) | (new & pl.col("hashed"))
    trains = ~pl.col("held") & (pl.col("trained") | ~pl.col("hashed")) & ~pl.col("reserved")
    side = pl.when(stays_held).then(pl.lit("held_out")).when(trains).then(pl.lit("train"))
    why = pl.when(side.is_not_null()).then(None).when(merged).then(pl.lit("merged")).otherwise(pl.lit("reserved_customer"))
    return whole.with_columns(side=side, why=why, new=new)


def _held_for_scenarios(units: pl.DataFrame, history: History) -> pl.DataFrame:
    """Hold a fifth of a scenario's new components out, the smallest first, where nothing of it is held out yet."""
    covered = set(units.filter(side="held_out")["scenario"]) | set(history.side("held_out")["scenario"].drop_nulls())
    free = units.filter(pl.col("new"), side="train")
    sizes = free.group_by("component").agg(pl.len().alias("size"), pl.col("draw").min())
    for scenario in sorted(set(units["scenario"].drop_nulls()) - covered):
        theirs = sizes.join(free.filter(scenario=scenario), on="component", how="semi").sort("size", "draw")
        if theirs.height >= SMALLEST:
            taken = theirs["component"][: max(1, round(HELD_OUT_SHARE * theirs.height))]
            chosen = pl.col("component").is_in(taken.implode())
            units = units.with_columns(
                side=pl.when(chosen).then(pl.lit("held_out")).otherwise("side"), why=pl.when(chosen).then(None).otherwise("why")
            )
            sizes = sizes.filter(~chosen)
    return units

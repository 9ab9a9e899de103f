"""On which side the conversations of a cycle's rows lie, and what is known of them when further ones are to be placed.

What belongs here: what is asked of `components`, and its answer kept whole. What does not: the rule (`components`), which rows
a side leaves in (`build`, `without_pairs`).
"""

from dataclasses import dataclass

import polars as pl

from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.datasets.components import UNIT, History, sides
from wow_flywheel.datasets.external import External
from wow_flywheel.datasets.split import split_expr
from wow_flywheel.datasets.tables import SIDE, Tables


@dataclass(frozen=True, slots=True)
class Placed:
    """Conversations with their sides.

    Attributes:
        units: dt, conversation_id, user_id, scenario, component, side (null for those that leave), why.
        prints: Contract `fingerprints`, of these conversations.
        history: What other cycles did with whom.
        past_prints: Contract `fingerprints`, of the history's conversations.
    """

    units: pl.DataFrame
    prints: pl.DataFrame
    history: History
    past_prints: pl.DataFrame


def place(tables: Tables, cycle: str, units: pl.DataFrame, external: External, similarity: float) -> Placed:
    """The sides of the conversations that a cycle's rows are of.

    Args:
        tables: With fingerprints, and the datasets of other cycles.
        cycle: The cycle's name.
        units: dt, conversation_id, user_id, scenario.
        external: With the dialogues between people, whose fingerprints no table has.
        similarity: Estimated Jaccard from which on conversations are linked.
    """
    history = tables.history(cycle)
    prints = pl.concat([tables.prints(units), fingerprints(external.human)]).unique(UNIT, keep="first", maintain_order=True)
    past_prints = tables.prints(history.rows)
    decided = sides(units, prints, history, past_prints, similarity)
    once = units.select(*UNIT, "user_id", "scenario").unique(UNIT, keep="first", maintain_order=True)
    return Placed(once.join(decided, on=UNIT, maintain_order="left"), prints, history, past_prints)


def place_beside(tables: Tables, placed: Placed, units: pl.DataFrame, similarity: float) -> pl.DataFrame:
    """The sides of further conversations, which move none of those that are placed.

    They go as those of a later cycle would: to the side of what they hang together with. What hangs together with both sides,
    with a row that left, or with a customer whose own hash holds them out, never trains.

    Args:
        tables: With fingerprints.
        placed: The others.
        units: dt, conversation_id, user_id, scenario of the further ones.
        similarity: As for the others.

    Returns:
        dt, conversation_id, side, why; as `components.sides` gives them.
    """
    prints = tables.prints(units)
    here = placed.units.with_columns(split=pl.col("side").fill_null("held_out"))
    reserved = units.filter(split_expr(pl.col("user_id")) == "held_out").with_columns(split=pl.lit("held_out"))
    known = pl.concat([placed.history.rows, here.select(SIDE), reserved.select(SIDE)]).drop_nulls(["user_id", "dt"]).unique()
    known_prints = pl.concat([placed.prints, placed.past_prints, prints]).unique(UNIT, keep="first", maintain_order=True)
    return sides(units, prints, History(known), known_prints, similarity).drop("component")

"""Clean conversations to plant defects into: the closed world's, written Chinese ones, and a team's own.

What belongs here: the reference sets, and a team's own Good Cases. It stands among the definitions because only these may know
the closed world. What does
not: planting (`wow_flywheel.inspection.calibration`).
"""

import datetime as dt
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.inspection.calibration.samples import chinese, promises, units
from wow_flywheel.knowledge.load import PROCEDURE_SCHEMA, load_knowledge, load_procedures
from wow_flywheel.policies.units import Policy

if TYPE_CHECKING:
    from wow_flywheel.closed_world.agents import FaultRates
    from wow_flywheel.closed_world.episode import Episode


@dataclass(frozen=True, slots=True)
class Clean:
    """Conversations in which nobody knows of a defect.

    Attributes:
        name: Of the source, as shown.
        conversations: Contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        policies: Units that apply to all of them.
    """

    name: str
    conversations: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    policies: tuple[Policy, ...] = ()


def reference(day: dt.date, count: int) -> list[Clean]:
    """The sets that are always there: `count` conversations of the closed world, and half as many in Chinese."""
    return [
        closed_world(day, count),
        Clean("written (zh)", chinese(count // 2, day), units(), pl.DataFrame(schema=PROCEDURE_SCHEMA), (promises(),)),
    ]


def closed_world(day: dt.date, count: int) -> Clean:
    """Conversations of agents without a fault, solved to the customer's content, in the closed world."""
    from wow_flywheel.closed_world.agents import PERFECT

    episodes, played = played_day(day, count, PERFECT, seed=7)
    happy = {e.episode_id for e in episodes if e.customer.solved and e.customer.intent == "thanks"}
    return replace(played, conversations=played.conversations.filter(pl.col("conversation_id").is_in(sorted(happy))))


def played_day(day: dt.date, count: int, rates: "FaultRates", seed: int) -> "tuple[list[Episode], Clean]":
    """A day of the closed world, read as logs are, with what really happened.

    Args:
        day: Of the world.
        count: Conversations.
        rates: How often the agents go wrong.
        seed: Equal seeds play the same.
    """
    from wow_flywheel.closed_world.agents import ScriptedAgent
    from wow_flywheel.closed_world.commands import write_rules
    from wow_flywheel.closed_world.environment import ClosedWorld

    world = ClosedWorld(day)
    episodes = world.episodes(count, seed=seed)
    records = list(world.logs(ScriptedAgent(rates, random.Random(seed)), episodes, "scripted"))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        write_rules(place / "knowledge", place / "policies", day)
        file = place / "logs" / f"dt={day}" / "a.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        rows = read_day(LogSource.at(str(place / "logs")), day).conversations
        knowledge, procedures = load_knowledge(str(place / "knowledge")), load_procedures(str(place / "policies"))
    return episodes, Clean("closed world (en)", rows, knowledge, procedures, (promises(),))


def own(flywheel: Flywheel, day: dt.date, count: int) -> list[Clean]:
    """Up to `count` of the team's own Good Cases of the days before, in an order that says nothing of them; none without any.

    They are good by the rules that are being measured, so precision on them is too kind; recall is not.
    """
    lake = flywheel.lake()
    since = day - dt.timedelta(days=flywheel.window_days - 1)
    of_days = pl.col("dt").is_between(since, day)
    good = lake.scan("cases").filter(of_days, pl.col("label") == "good").select("dt", "conversation_id")
    picked = good.collect().sort(pl.col("conversation_id").hash(7)).head(count)
    if picked.is_empty():
        return []
    rows = lake.scan("conversations").filter(of_days).join(picked.lazy(), on=["dt", "conversation_id"], how="semi").collect()
    named = rows.with_columns(conversation_id=pl.format("own/{}/{}", "dt", "conversation_id"))
    return [Clean("own", named, flywheel.knowledge(), flywheel.procedures())]

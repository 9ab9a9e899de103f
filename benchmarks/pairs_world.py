"""Days of the closed world with their labels, and an oracle that knows what a reply at any turn would have led to.

What belongs here: the days, and the truth about a rewrite. What does not: rewriting (`wow_flywheel.pairs`), what is printed
(`pairs`). Nothing of the truth reaches the flywheel: it sees logs, knowledge and procedures.
"""

import copy
import datetime as dt
import gzip
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from wow_flywheel.cases.label import label
from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.closed_world.agents import FaultRates, ScriptedAgent
from wow_flywheel.closed_world.commands import write_rules
from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.closed_world.episode import Episode
from wow_flywheel.closed_world.world import TOOL_OF_NEED
from wow_flywheel.contracts import CONVERSATIONS, DECISIONS
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.dialogue import DialogueAction, Message, assistant_actions
from wow_flywheel.inspection.run import inspect
from wow_flywheel.knowledge.load import load_knowledge, load_procedures
from wow_flywheel.rules.engine import find

FRIDAY, MONDAY = dt.date(2026, 3, 6), dt.date(2026, 3, 9)
"""Of two weeks: business rules change in between, so a reply copied with its numbers is wrong."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A day as the nightly job knows it: contracts `conversations`, `inspections`, `cases`."""

    conversations: pl.DataFrame
    inspections: pl.DataFrame
    cases: pl.DataFrame

    def good(self) -> pl.DataFrame:
        """The Good Cases, contract `conversations`."""
        return self.conversations.join(self.cases.filter(label="good"), on="conversation_id", how="semi")


@dataclass(frozen=True, slots=True)
class World:
    """A day to rewrite, a day before it to take words from, and the truth.

    Attributes:
        talks: The day to rewrite.
        pool: Good Cases of the day before it, contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        episodes: The day's customers before they said a word, by conversation.
    """

    talks: Labelled
    pool: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    episodes: Mapping[str, Episode]

    def faults(self, conversation_id: str, turn: int, output: DialogueAction) -> list[str]:
        """What the customer would have minded, or the database shown wrong, had this been said or done at a turn.

        The conversation is played again with the same customer up to the turn; then the output takes its place.
        """
        row = self.talks.conversations.filter(conversation_id=conversation_id)
        episode = replayed(self.episodes[conversation_id], row["messages"].to_list()[0], turn)
        before = list(episode.customer.faults)
        made, right = episode.calls, episode.right_calls
        episode.step(output)
        faults = list(episode.customer.faults[len(before) :])
        if episode.calls > made and episode.right_calls == right:
            faults.append("wrong_call")
        if episode.calls > made and TOOL_OF_NEED[episode.customer.goal.need] != (output.action and output.action.name):
            faults.append("wrong_tool")
        return faults


def world(folder: Path, count: int, seed: int = 1) -> World:
    """Two days of people with faults, of `count` conversations each, as the nightly job reads and labels them."""
    write_rules(folder / "knowledge", folder / "policies", MONDAY)
    knowledge, procedures = load_knowledge(str(folder / "knowledge")), load_procedures(str(folder / "policies"))
    pool = labelled(logged(folder, FRIDAY, count, seed), knowledge, procedures)
    talks = labelled(logged(folder, MONDAY, count, seed), knowledge, procedures)
    fresh = {episode.episode_id: episode for episode in ClosedWorld(MONDAY).episodes(count, seed=seed)}
    return World(talks, pool.good(), knowledge, procedures, fresh)


def logged(root: Path, day: dt.date, count: int, seed: int) -> pl.DataFrame:
    """A day of people with faults, as ingestion reads it."""
    play = ClosedWorld(day)
    records = play.logs(ScriptedAgent(FaultRates(), random.Random(seed)), play.episodes(count, seed=seed), "people")
    file = root / "logs" / f"dt={day}" / "conversations.jsonl.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))
    return read_day(LogSource.at(str(root / "logs")), day).conversations


def labelled(talks: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> Labelled:
    """Inspected and labelled without an endpoint."""
    satisfaction = signals(talks, CONVERSATIONS.empty())
    found = inspect(
        talks,
        rule_findings=find(talks, knowledge, procedures),
        satisfaction=satisfaction,
        knowledge=knowledge,
        procedures=procedures,
    )
    return Labelled(talks, found.inspections, label(talks, satisfaction, found.inspections, found.verdicts, DECISIONS.empty()))


def replayed(fresh: Episode, messages: list[Message], turn: int) -> Episode:
    """The episode with its customer as it stood before a turn of its log.

    Raises:
        RuntimeError: The customer says something else than in the log: this is not its episode.
    """
    episode = copy.deepcopy(fresh)
    episode.begin()
    for message in messages[:turn]:
        if message["role"] == "assistant":
            episode.step(assistant_actions(message)[0])
    said = [message["content"] for message in episode.messages]
    if said != [message["content"] for message in messages[:turn]]:
        raise RuntimeError("the customer says something else than in the log")
    return episode

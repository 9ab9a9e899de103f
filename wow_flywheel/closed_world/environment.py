"""The closed world as an environment: draws customers, plays a day of production or an evaluation, measures outcomes.

What belongs here: populations, seeds, outcomes per episode. What does not: one conversation (`episode`), models (`serving`).
"""

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.closed_world.customers import Customer
from wow_flywheel.closed_world.episode import Agent, Episode, play
from wow_flywheel.closed_world.world import Database, Rules
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import ChatMessage, DialogueAction, to_chat
from wow_flywheel.serving.protocol import Engine

CUSTOMERS = 2000
"""Size of the population; the same customers come back day after day."""
OPENING_HOUR = 8
DAY_SECONDS = 14 * 3600


@dataclass(slots=True)
class ModelAgent:
    """A served model as an agent: all conversations under way go through it in one batch."""

    engine: Engine

    def act(self, episodes: Sequence[Episode]) -> list[DialogueAction | str]:
        """The model's next output for each episode."""
        replies = self.engine.respond([to_chat(episode.messages) for episode in episodes])
        return [reply.output or reply.raw for reply in replies]


@dataclass(frozen=True, slots=True)
class ClosedWorld:
    """The environment behind `WOW_ENVIRONMENT` by default.

    Attributes:
        day: The day whose business rules hold.
    """

    day: dt.date

    def episodes(self, count: int, *, seed: int, split: str | None = None) -> list[Episode]:
        """Draw conversations about to begin; equal arguments give equal customers, goals and databases.

        Args:
            count: How many.
            seed: Of the draw.
            split: Only customers of this split (`train` or `held_out`); None draws from all.
        """
        rng = random.Random(f"{self.day}:{seed}")
        users = [f"customer-{i:04d}" for i in range(CUSTOMERS)]
        eligible = [user for user in users if split is None or split_of(user) == split]
        return [self._episode(rng.choice(eligible), i, rng.getrandbits(64), seed) for i in range(count)]

    def _episode(self, user: str, index: int, seed: int, run: int) -> Episode:
        rng = random.Random(seed)
        database = Database.draw(user, Rules.of(self.day), rng)
        return Episode(f"{self.day}-{run}-{index:05d}", Customer.draw(user, database, rng))

    def logs(self, agent: Agent, episodes: Sequence[Episode], model: str) -> Iterator[dict[str, object]]:
        """Play a production day; yields the native log records in the order of their start."""
        for _ in play(agent, episodes):
            pass
        opening = dt.datetime.combine(self.day, dt.time(OPENING_HOUR), dt.UTC)
        for index, episode in enumerate(episodes):
            yield episode.record(opening + dt.timedelta(seconds=index * DAY_SECONDS // max(len(episodes), 1)), model)

    def evaluate(self, engine: Engine, *, model: str, count: int, seed: int) -> pl.DataFrame:
        """Play held-out customers against a model.

        Args:
            engine: The model.
            model: Its name in the outcome rows.
            count: Episodes.
            seed: Equal seeds give every model the same customers.

        Returns:
            One row an episode: model, episode, user_id, scenario, and one column a metric (solve_rate, usm1, usm2, rr,
            action_accuracy, format_validity; null where it does not apply).
        """
        return self._played(engine, self.episodes(count, seed=seed, split="held_out"), model)

    def evaluate_chosen(
        self, engine: Engine, *, model: str, traffic: int, seed: int, chosen: Callable[[str], bool]
    ) -> pl.DataFrame:
        """Play those conversations of a stream of traffic, with customers of all kinds, that are chosen by their id.

        Returns:
            As `evaluate`.
        """
        return self._played(engine, [e for e in self.episodes(traffic, seed=seed) if chosen(e.episode_id)], model)

    def hide_knowledge(self, chat: Sequence[ChatMessage]) -> list[ChatMessage]:
        """The conversation as a model sees it that is not told the business rules: tool results without them.

        What a tool says of the order itself stays.
        """
        return [
            {"role": "tool", "content": _without_rules(message["content"])} if message["role"] == "tool" else message
            for message in chat
        ]

    def _played(self, engine: Engine, episodes: list[Episode], model: str) -> pl.DataFrame:
        for _ in play(ModelAgent(engine), episodes):
            pass
        return pl.DataFrame([outcome(episode, model) for episode in episodes], schema=OUTCOME_SCHEMA)


RULE_FACTS = ("days", "fee", "voucher")
"""What tool results carry of `Rules`."""


def _without_rules(content: str) -> str:
    return json.dumps({name: value for name, value in json.loads(content).items() if name not in RULE_FACTS})


OUTCOME_SCHEMA = {
    "model": pl.String,
    "episode": pl.String,
    "user_id": pl.String,
    "scenario": pl.String,
    "solve_rate": pl.Float64,
    "usm1": pl.Float64,
    "usm2": pl.Float64,
    "rr": pl.Float64,
    "action_accuracy": pl.Float64,
    "format_validity": pl.Float64,
}


def outcome(episode: Episode, model: str) -> dict[str, object]:
    """What one finished episode came to, checked against the world itself and not against what anybody said."""
    customer = episode.customer
    return {
        "model": model,
        "episode": episode.episode_id,
        "user_id": customer.user_id,
        "scenario": customer.goal.need,
        "solve_rate": float(customer.solved),
        "usm1": float(customer.intent in {"human", "complain"}),
        "usm2": float(customer.intent == "thanks"),
        "rr": float("repeated" in customer.faults),
        "action_accuracy": episode.right_calls / episode.calls if episode.calls else None,
        "format_validity": 1 - episode.malformed / episode.outputs,
    }

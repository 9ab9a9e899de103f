"""Customers that an endpoint plays: `WOW_ENVIRONMENT=wow_flywheel.evaluation.llm_customers:LlmCustomers`.

What belongs here: personas from held-out conversations, turn taking, what an episode came to. What does not: the client.

A persona is what a real customer of a held-out conversation said; the endpoint says what such a customer says next. Nothing is
really done: a tool call is answered as in that conversation if it had the same one, else by an error. So how it ended is the
played customer's own word, and two models compare only on the same personas with the same endpoint.
"""

import asyncio
import datetime as dt
import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import Action, ChatMessage, DialogueAction, Message, texts
from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.offline import repeats
from wow_flywheel.inspection.transcript import as_data, render
from wow_flywheel.lake import Lake
from wow_flywheel.llm.client import LlmClient, LlmRequest, Success
from wow_flywheel.serving.protocol import Engine

MOST_ROUNDS: Final = 16
DAYS: Final = 14
OUTCOMES: Final = {
    "model": pl.String, "episode": pl.String, "user_id": pl.String, "scenario": pl.String, "solve_rate": pl.Float64,
    "usm1": pl.Float64, "usm2": pl.Float64, "rr": pl.Float64, "format_validity": pl.Float64,
}  # fmt: skip


class CustomerTurn(BaseModel):
    """What the played customer says, and how it stands."""

    model_config = ConfigDict(extra="forbid")

    message: str
    state: Literal["continue", "over"]
    solved: bool
    mood: Literal["satisfied", "neutral", "dissatisfied"]


@dataclass(slots=True)
class Played:
    """One conversation with a played customer.

    Attributes:
        name: The episode: the held-out conversation and its number in the draw.
        user_id: Whose conversation it was.
        scenario: Its scenario.
        said: What the real customer said.
        tools: Result by tool call, as the real conversation had them.
        patience: 1 to 5, told to the endpoint.
        chat: The conversation so far.
        last: The customer's last turn.
        over: Whether it has ended.
        failed: Whether the endpoint gave no usable answer: such an episode is left out of every metric.
    """

    name: str
    user_id: str
    scenario: str
    said: tuple[str, ...]
    tools: Mapping[str, str]
    patience: int
    chat: list[ChatMessage] = field(default_factory=list)
    last: CustomerTurn | None = None
    over: bool = False
    failed: bool = False
    outputs: int = 0
    valid: int = 0
    repeated: bool = False

    def request(self) -> LlmRequest:
        """The question to the endpoint: what does the customer say next?"""
        said = as_data([{"turn": i, "said": text} for i, text in enumerate(self.said)])
        shown = [m for m in self.chat if m["role"] != "tool"]
        values = {"patience": str(self.patience), "said": said, "turns": as_data([dict(m) for m in shown])}
        system = render("evaluation", "customer_system.jinja", {})
        return LlmRequest(render("evaluation", "customer.jinja", values), system=system, about=self.name)

    def hear(self, turn: CustomerTurn | None) -> None:
        """Take the customer's turn; None is an endpoint that gave none."""
        if turn is None:
            self.over = self.failed = True
            return
        self.last, self.over = turn, turn.state == "over"
        self.chat.append({"role": "user", "content": turn.message})

    def answer(self, raw: str) -> bool:
        """Take the model's output; True if the customer is to speak next, False if a tool answered."""
        output = DialogueAction.from_json(raw)
        self.outputs += 1
        self.valid += output is not None
        self.repeated |= repeats(self.chat, output)
        self.chat.append({"role": "assistant", "content": raw if output is None else output.to_json()})
        if output is None or output.action is None:
            return True
        error = json.dumps({"error": "not available"})
        self.chat.append({"role": "tool", "content": self.tools.get(_call(output.action), error)})
        return False

    def outcome(self, model: str) -> dict[str, object]:
        """The episode as a row of outcomes; nulls if the endpoint failed."""
        key: dict[str, object] = {"model": model, "episode": self.name, "user_id": self.user_id, "scenario": self.scenario}
        if self.failed or self.last is None:
            return key
        return key | {
            "solve_rate": float(self.last.solved),
            "usm1": float(self.last.mood == "dissatisfied"),
            "usm2": float(self.last.mood == "satisfied"),
            "rr": float(self.repeated),
            "format_validity": self.valid / self.outputs if self.outputs else None,
        }


class LlmCustomers:
    """An environment of played customers.

    Args:
        day: The newest day whose held-out conversations give personas.
        client: The endpoint; None makes it from the environment's settings.
        conversations: Contract `conversations`; None reads the lake that the settings name.

    Raises:
        SettingsError: There is no endpoint, or no held-out conversation.
    """

    def __init__(self, day: dt.date, client: LlmClient | None = None, conversations: pl.DataFrame | None = None) -> None:
        self._client = client or _client()
        rows = _recent(day) if conversations is None else conversations
        self._personas = [row for row in rows.iter_rows(named=True) if split_of(row["user_id"]) == "held_out" and _said(row)]
        if not self._personas:
            raise SettingsError("no held-out conversation gives a persona", hint="run `nightly` for more days first")

    def evaluate(self, engine: Engine, *, model: str, count: int, seed: int) -> pl.DataFrame:
        """Play `count` conversations; equal seeds give every model the same personas with the same patience."""
        episodes = self.episodes(count, seed)
        asyncio.run(self._play(engine, episodes))
        return pl.DataFrame([episode.outcome(model) for episode in episodes], schema=OUTCOMES)

    def episodes(self, count: int, seed: int) -> list[Played]:
        """Conversations about to begin."""
        rng = random.Random(seed)
        return [_played(rng.choice(self._personas), number, rng.randint(1, 5)) for number in range(count)]

    async def _play(self, engine: Engine, episodes: Sequence[Played]) -> None:
        async with self._client.session() as session:
            speaking = list(episodes)
            for _ in range(MOST_ROUNDS):
                answers = await session.complete_many([each.request() for each in speaking], CustomerTurn)
                for each, answer in zip(speaking, answers, strict=True):
                    each.hear(answer.value if isinstance(answer, Success) else None)
                waiting = [each for each in speaking if not each.over]
                if not waiting:
                    return
                speaking = await asyncio.to_thread(_served, engine, waiting)


def _served(engine: Engine, waiting: Sequence[Played]) -> list[Played]:
    """Let the model answer until each customer is to speak again; a model that only calls tools is stopped."""
    ready: list[Played] = []
    left = list(waiting)
    for _ in range(MOST_ROUNDS):
        replies = engine.respond([each.chat for each in left])
        done = [each.answer(reply.raw) for each, reply in zip(left, replies, strict=True)]
        ready += [each for each, spoke in zip(left, done, strict=True) if spoke]
        left = [each for each, spoke in zip(left, done, strict=True) if not spoke]
        if not left:
            break
    return [*ready, *left]


def _played(row: Mapping[str, Any], number: int, patience: int) -> Played:
    tools = {}
    messages: Sequence[Message] = row["messages"]
    results = {m.get("tool_call_id"): m.get("content") or "" for m in messages if m["role"] == "tool"}
    for call in (call for m in messages for call in m.get("tool_calls") or []):
        if call["id"] in results:
            tools[f"{call['name']}:{_sorted(call['arguments'])}"] = results[call["id"]]
    name = f"{row['conversation_id']}#{number}"
    return Played(name, row["user_id"], row["scenario"], _said(row), tools, patience)


def _call(action: Action) -> str:
    return f"{action.name}:{_sorted(json.dumps(action.arguments))}"


def _sorted(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except json.JSONDecodeError:
        return arguments


def _said(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(texts(row["messages"], "user"))


def _recent(day: dt.date) -> pl.DataFrame:
    from wow_flywheel.settings import Settings

    lake = Lake.at(Settings.from_env(os.environ).lake_uri)
    since = day - dt.timedelta(days=DAYS)
    return lake.scan("conversations").filter(pl.col("dt").is_between(since, day)).sort("dt", "conversation_id").collect()


def _client() -> LlmClient:
    from wow_flywheel.llm import settings_from
    from wow_flywheel.llm.budget import Budget
    from wow_flywheel.llm.ledger import Ledger
    from wow_flywheel.llm.options import LlmOptions
    from wow_flywheel.settings import Settings

    settings, options = Settings.from_env(os.environ), LlmOptions.from_env(os.environ)
    endpoint = settings_from(settings, os.environ.get("WOW_LLM_API_KEY"))
    if endpoint is None:
        raise SettingsError("played customers need an endpoint", hint="set WOW_LLM_BASE_URL and WOW_LLM_MODEL")
    budget = Budget(options.budget_tokens, options.budget_usd)
    return LlmClient(options.applied(endpoint), Ledger.at(settings.lake_uri), budget)

"""Offline evaluation on held-out Good Cases, for users without simulated customers.

What belongs here: replaying held-out dialogues turn by turn. What does not: end-to-end episodes (an `Environment`). Every
assistant turn is generated from the true history before it, so no turn suffers from an earlier mistake.
"""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.errors import DatasetError
from wow_flywheel.serving.engine import ReplyEngine
from wow_flywheel.serving.protocol import Reply

REPEAT_SIMILARITY = 0.9
"""RR counts a reply as repeated from this similarity on, if it has the same numbers: other numbers are other information."""
NUMBERS = re.compile(r"\d+")
Dialogue = Mapping[str, Any]
OUTCOME_SCHEMA = {
    "model": pl.String,
    "episode": pl.String,
    "user_id": pl.String,
    "scenario": pl.String,
    "rr": pl.Float64,
    "action_accuracy": pl.Float64,
    "format_validity": pl.Float64,
    "reply_loss": pl.Float64,
}


def read_dialogues(path: Path, limit: int) -> list[Dialogue]:
    """The first `limit` dialogues of a held-out file of a cycle.

    Raises:
        DatasetError: The file is missing or holds none.
    """
    if not path.is_file():
        raise DatasetError(f"there are no held-out dialogues at {path}", hint="materialize sft_dataset first")
    with path.open(encoding="utf-8") as file:
        dialogues = [json.loads(line) for line, _ in zip(file, range(limit), strict=False)]
    if not dialogues:
        raise DatasetError(
            f"{path} holds no dialogues: no held-out customer has a Good Case yet",
            hint="run `nightly` for more days before the cycle",
        )
    return dialogues


def evaluate_offline(engine: ReplyEngine, dialogues: Sequence[Dialogue], *, model: str) -> pl.DataFrame:
    """Let a model give every assistant turn of held-out dialogues.

    Args:
        engine: The model.
        dialogues: `messages`, and where known `conversation_id`, `user_id`, `scenario`.
        model: Its name in the rows.

    Returns:
        One row a dialogue with rr, action_accuracy, format_validity, reply_loss (nats per token).
    """
    points = [(i, t) for i, d in enumerate(dialogues) for t, m in enumerate(d["messages"]) if m["role"] == "assistant" and t]
    replies = engine.respond([dialogues[i]["messages"][:t] for i, t in points])
    by_dialogue: dict[int, list[tuple[int, Reply]]] = {}
    for (index, turn), reply in zip(points, replies, strict=True):
        by_dialogue.setdefault(index, []).append((turn, reply))
    losses = engine.losses([d["messages"] for d in dialogues])
    rows = [_outcome(dialogues[i], turns, i, model) | {"reply_loss": losses[i]} for i, turns in by_dialogue.items()]
    return pl.DataFrame(rows, schema=OUTCOME_SCHEMA)


def _outcome(dialogue: Dialogue, turns: Sequence[tuple[int, Reply]], index: int, model: str) -> dict[str, Any]:
    messages: Sequence[ChatMessage] = dialogue["messages"]
    pairs = [(DialogueAction.from_json(messages[turn]["content"]), reply.output) for turn, reply in turns]
    expected = [(gold, said) for gold, said in pairs if gold is not None and gold.action is not None]
    right = [said is not None and said.action == gold.action for gold, said in expected]
    episode = str(dialogue.get("conversation_id") or index)
    return {
        "model": model,
        "episode": episode,
        "user_id": str(dialogue.get("user_id") or episode),
        "scenario": str(dialogue.get("scenario") or "unknown"),
        "rr": float(any(_repeats(messages[:turn], reply.output) for turn, reply in turns)),
        "action_accuracy": sum(right) / len(right) if right else None,
        "format_validity": sum(reply.output is not None for _, reply in turns) / len(turns),
    }


def _repeats(history: Sequence[ChatMessage], output: DialogueAction | None) -> bool:
    if output is None or not output.reply:
        return False
    said = [parsed.reply for m in history if m["role"] == "assistant" and (parsed := DialogueAction.from_json(m["content"]))]
    return any(_alike(output.reply, earlier) for earlier in said if earlier)


def _alike(one: str, other: str) -> bool:
    one, other = " ".join(one.lower().split()), " ".join(other.lower().split())
    if NUMBERS.findall(one) != NUMBERS.findall(other):
        return False
    return one == other or SequenceMatcher(None, one, other).ratio() >= REPEAT_SIMILARITY

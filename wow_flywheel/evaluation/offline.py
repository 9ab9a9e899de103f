"""Offline evaluation on held-out Good Cases: every assistant turn is generated from the true history before it.

What belongs here: replaying held-out dialogues turn by turn, and what a person counts in them. What does not: end-to-end
episodes (an `Environment`), what needs knowledge or procedures (`judged`), turns of Bad Cases (`repair`). A turn whose prompt
does not fit the model's positions is refused: it is not asked for, and counted in `too_long`.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final, Protocol

import polars as pl

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.errors import DatasetError
from wow_flywheel.evaluation.first_lines import drawn_lines
from wow_flywheel.evaluation.slots import same_action, slot_f1
from wow_flywheel.serving.protocol import Engine, Reply

REPEAT_SIMILARITY = 0.9
"""RR counts a reply as repeated from this similarity on, if it has the same numbers: other numbers are other information."""
NUMBERS = re.compile(r"\d+")
TIMED: Final = 16
"""Dialogues whose last turn is asked for once more, alone, to time it."""
Dialogue = Mapping[str, Any]
OUTCOME_SCHEMA = {
    "model": pl.String,
    "episode": pl.String,
    "user_id": pl.String,
    "scenario": pl.String,
    "rr": pl.Float64,
    "action_accuracy": pl.Float64,
    "slot_f1": pl.Float64,
    "format_validity": pl.Float64,
    "reply_loss": pl.Float64,
    "too_long": pl.Float64,
    "tokens_per_reply": pl.Float64,
    "latency": pl.Float64,
}


class Scorer(Engine, Protocol):
    """An engine that also says what fits it and how likely it finds a dialogue: `serving.engine.ReplyEngine`."""

    def fits(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[bool]:
        """Whether each conversation, and an output after it, stay within the model's positions."""
        ...

    def losses(self, dialogues: Sequence[Sequence[ChatMessage]]) -> list[float | None]:
        """Mean negative log-likelihood of each dialogue's assistant tokens, in nats per token."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What a model gave at one turn of one dialogue.

    Attributes:
        dialogue: The dialogue's place in the list.
        turn: The turn's index in its messages.
        reply: None if the prompt was refused as too long.
    """

    dialogue: int
    turn: int
    reply: Reply | None


def read_dialogues(path: Path, limit: int) -> list[Dialogue]:
    """`limit` dialogues of a held-out file of a cycle, drawn by the hash of their line; blank lines do not count.

    Raises:
        DatasetError: The file is missing, holds none, or a line is no dialogue.
    """
    if not path.is_file():
        raise DatasetError(f"there are no held-out dialogues at {path}", hint="materialize sft_dataset first")
    dialogues = [_dialogue(line, f"{path}, line {number}") for number, line in drawn_lines(path, limit)]
    if not dialogues:
        raise DatasetError(
            f"{path} holds no dialogues: no held-out customer has a Good Case yet",
            hint="run `nightly` for more days before the cycle",
        )
    return dialogues


def replay(engine: Scorer, dialogues: Sequence[Dialogue]) -> list[Given]:
    """Let a model give every assistant turn that does not open its dialogue, from the true history before it."""
    points = [(i, t) for i, d in enumerate(dialogues) for t, m in enumerate(d["messages"]) if m["role"] == "assistant" and t]
    replies = respond_where_fits(engine, [dialogues[i]["messages"][:t] for i, t in points])
    return [Given(i, t, reply) for (i, t), reply in zip(points, replies, strict=True)]


def respond_where_fits(engine: Scorer, prompts: Sequence[Sequence[ChatMessage]]) -> list[Reply | None]:
    """A reply to each prompt; None to one that is refused because it does not fit the model's positions."""
    fits = engine.fits(prompts)
    replies = iter(engine.respond([prompt for prompt, fitting in zip(prompts, fits, strict=True) if fitting]))
    return [next(replies) if fitting else None for fitting in fits]


def evaluate_offline(engine: Scorer, dialogues: Sequence[Dialogue], *, model: str) -> pl.DataFrame:
    """Let a model give every assistant turn of held-out dialogues, and sum up.

    Args:
        engine: The model.
        dialogues: `messages`, and where known `conversation_id`, `user_id`, `scenario`.
        model: Its name in the rows.

    Returns:
        One row a dialogue, with the columns of `OUTCOME_SCHEMA`; units as in `metrics`.
    """
    return offline_outcomes(engine, dialogues, replay(engine, dialogues), model=model)


def offline_outcomes(engine: Scorer, dialogues: Sequence[Dialogue], given: Sequence[Given], *, model: str) -> pl.DataFrame:
    """The outcomes of dialogues that were replayed; see `evaluate_offline`."""
    by_dialogue: dict[int, list[Given]] = {}
    for each in given:
        by_dialogue.setdefault(each.dialogue, []).append(each)
    losses = engine.losses([d["messages"] for d in dialogues])
    seconds = _latencies(engine, dialogues, by_dialogue)
    rows = [
        _outcome(dialogues[i], turns, i, model) | {"reply_loss": losses[i], "latency": seconds.get(i)}
        for i, turns in by_dialogue.items()
    ]
    return pl.DataFrame(rows, schema=OUTCOME_SCHEMA)


def named(dialogue: Dialogue, place: int) -> dict[str, str]:
    """Whose dialogue it is: episode, user_id, scenario; one without an id is known by its place in the list."""
    episode = str(dialogue.get("conversation_id") or place)
    user, scenario = dialogue.get("user_id") or episode, dialogue.get("scenario") or "unknown"
    return {"episode": episode, "user_id": str(user), "scenario": str(scenario)}


def _dialogue(line: str, where: str) -> Dialogue:
    try:
        dialogue = json.loads(line)
    except json.JSONDecodeError:
        dialogue = None
    if not isinstance(dialogue, dict) or not isinstance(dialogue.get("messages"), list):
        raise DatasetError(f"{where}: not a dialogue with messages", hint="build the cycle's datasets again")
    return dialogue


def _latencies(engine: Scorer, dialogues: Sequence[Dialogue], turns: Mapping[int, Sequence[Given]]) -> dict[int, float]:
    """Seconds that the last turn of some dialogues takes when it is asked alone; the first call only warms up."""
    answered = [(i, max(g.turn for g in given if g.reply)) for i, given in turns.items() if any(g.reply for g in given)][:TIMED]
    seconds: dict[int, float] = {}
    for index, turn in [*answered[:1], *answered]:
        started = time.perf_counter()
        engine.respond([dialogues[index]["messages"][:turn]])
        seconds[index] = time.perf_counter() - started
    return seconds


def _outcome(dialogue: Dialogue, turns: Sequence[Given], index: int, model: str) -> dict[str, Any]:
    messages: Sequence[ChatMessage] = dialogue["messages"]
    answered = [(given.turn, given.reply) for given in turns if given.reply is not None]
    pairs = [(DialogueAction.from_json(messages[turn]["content"]), reply.output) for turn, reply in answered]
    expected = [(gold.action, said.action if said else None) for gold, said in pairs if gold is not None and gold.action]
    right = [same_action(gold, said) for gold, said in expected]
    return {
        "model": model,
        **named(dialogue, index),
        "rr": float(any(repeats(messages[:turn], reply.output) for turn, reply in answered)) if answered else None,
        "action_accuracy": _share(right),
        "slot_f1": slot_f1(expected),
        "format_validity": _share([reply.output is not None for _, reply in answered]),
        "too_long": 1 - len(answered) / len(turns),
        "tokens_per_reply": sum(r.completion_tokens for _, r in answered) / len(answered) if answered else None,
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def repeats(history: Sequence[ChatMessage], output: DialogueAction | None) -> bool:
    """Whether an output says again what the assistant said earlier: the same, or 0.9 alike with the same numbers."""
    if output is None or not output.reply:
        return False
    said = [parsed.reply for m in history if m["role"] == "assistant" and (parsed := DialogueAction.from_json(m["content"]))]
    return any(_alike(output.reply, earlier) for earlier in said if earlier)


def _alike(one: str, other: str) -> bool:
    one, other = " ".join(one.lower().split()), " ".join(other.lower().split())
    if NUMBERS.findall(one) != NUMBERS.findall(other):
        return False
    return one == other or SequenceMatcher(None, one, other).ratio() >= REPEAT_SIMILARITY

"""The data of `benchmarks.training`: dialogues and pairs with the lengths of real ones, made of words that carry no meaning.

What belongs here: lengths and texts, and the model's copy whose chat template TRL can mask. What does not: running anything.
Lengths follow STAR's (750 tokens a dialogue on average, 100 to 2,000; replies of 36; prompts of pairs like dialogues cut at a
turn), so that padding and the share of learnt tokens are what a user would see; the texts are made up: anyone can run it.
"""

import json
import random
import shutil
from pathlib import Path
from typing import Any

from wow_flywheel.training.chat_template import training_template
from wow_flywheel.training.encoding import Encoded, encode_dialogues, encode_pairs
from wow_flywheel.training.rows import read_dialogues, read_pairs

WORDS = (
    "order",
    "ticket",
    "room",
    "booking",
    "table",
    "driver",
    "flight",
    "status",
    "number",
    "name",
    "date",
    "time",
    "city",
    "price",
    "change",
    "cancel",
    "confirm",
    "help",
    "please",
    "thanks",
    "tomorrow",
    "evening",
    "morning",
    "two",
    "three",
    "near",
    "early",
    "late",
    "blue",
    "north",
    "east",
    "account",
    "card",
    "balance",
    "weather",
    "party",
    "guest",
    "list",
    "menu",
    "open",
)
HELD_OUT = 8
LONGEST = 1024
"""TRL's default for `max_length`; longer dialogues would be cut there and dropped here, so none is made."""


def write_data(folder: Path, model: Path, examples: int) -> dict[str, int]:
    """Write `sft/train.jsonl`, `dpo/train.jsonl` and `held_out.jsonl`, dialogues of the same kind that nobody trains on.

    Returns:
        Real tokens of each file; a pair's prompt counts twice.
    """
    from transformers import AutoTokenizer

    rng = random.Random(7)
    tokenizer = AutoTokenizer.from_pretrained(model)
    dialogues = [_dialogue(rng) for _ in range(examples)]
    pairs = [_pair(_dialogue(rng), rng) for _ in range(examples)]
    paths = {name: folder / name / "train.jsonl" for name in ("sft", "dpo")}
    for path, rows in zip(paths.values(), ([{"messages": each} for each in dialogues], pairs), strict=True):
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    held_out = [{"messages": _dialogue(rng)} for _ in range(HELD_OUT)]
    (folder / "held_out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held_out), "utf-8")
    encoded: dict[str, Encoded] = {
        "sft": encode_dialogues(tokenizer, read_dialogues(paths["sft"]), LONGEST, 0),
        "dpo": encode_pairs(tokenizer, read_pairs(paths["dpo"]), LONGEST, 0),
    }
    return {name: sum(each.lengths) for name, each in encoded.items()}


def marked_copy(model: Path, folder: Path) -> Path:
    """The model with a chat template that marks the assistant's text: TRL refuses to mask without one."""
    from transformers import AutoTokenizer

    shutil.copytree(model, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = training_template(tokenizer)
    tokenizer.save_pretrained(folder)
    return folder


def _dialogue(rng: random.Random) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": _text(rng, rng.randint(30, 110))}]
    for _ in range(max(1, min(14, round(rng.lognormvariate(1.9, 0.45))))):
        messages.append({"role": "user", "content": _text(rng, rng.randint(3, 18))})
        messages.append(_answer(rng))
    return messages


def _pair(dialogue: list[dict[str, str]], rng: random.Random) -> dict[str, Any]:
    turn = rng.choice([at for at, message in enumerate(dialogue) if message["role"] == "assistant"])
    return {"prompt": dialogue[:turn], "chosen": [_answer(rng)], "rejected": [_answer(rng)]}


def _answer(rng: random.Random) -> dict[str, str]:
    reply = {"knowledge": [rng.choice(WORDS)], "reply": _text(rng, rng.randint(5, 28)), "action": None}
    return {"role": "assistant", "content": json.dumps(reply, separators=(",", ":"))}


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))

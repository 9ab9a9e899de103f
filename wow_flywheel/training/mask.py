"""What a model will learn of an example, token by token, for a person to look at before a run.

What belongs here: rendering encoded rows as text. What does not: deciding what is learnt (`encoding`, `chat_template`).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from wow_flywheel.training.encoding import IGNORED, encode_dialogues, encode_pairs
from wow_flywheel.training.rows import read_dialogues, read_pairs

LEARNT, REJECTED, PLAIN, RESET = "\x1b[30;42m", "\x1b[30;41m", "\x1b[2m", "\x1b[0m"
BRACKETS = {LEARNT: ("⟦", "⟧"), REJECTED: ("⟪", "⟫"), PLAIN: ("", "")}
"""What stands for the colors where there are none."""
NO_LIMIT = 1 << 30
Part = tuple[str, list[int]]


def dialogue_masks(model: str, path: Path, count: int, *, color: bool) -> Iterator[str]:
    """The first dialogues of an SFT file: learnt tokens on green (or in ⟦ ⟧), all others dim.

    Args:
        model: Local folder or hub id, for its tokenizer.
        path: As the trainer takes it.
        count: How many.
        color: Whether to use ANSI colors.

    Raises:
        TrainingError: As the trainer would raise.
    """
    dialogues = read_dialogues(path)[:count]
    tokenizer = _tokenizer(model, [message["content"] for each in dialogues for message in each])
    for number, row in enumerate(encode_dialogues(tokenizer, dialogues, NO_LIMIT, 0).rows, 1):
        learnt = [label != IGNORED for label in row["labels"]]
        tokens = zip(row["input_ids"], learnt, strict=True)
        parts = [
            (LEARNT if kept else PLAIN, [token for token, _ in group]) for kept, group in groupby(tokens, lambda pair: pair[1])
        ]
        yield f"dialogue {number}: {sum(learnt)} of {len(learnt)} tokens are learnt\n{_text(tokenizer, parts, color=color)}"


def pair_masks(model: str, path: Path, count: int, *, color: bool) -> Iterator[str]:
    """The first pairs of a DPO file: the prompt dim, the chosen answer on green, the rejected on red; as `dialogue_masks`."""
    pairs = read_pairs(path)[:count]
    tokenizer = _tokenizer(model, [pair.chosen for pair in pairs])
    for number, row in enumerate(encode_pairs(tokenizer, pairs, NO_LIMIT, 0).rows, 1):
        sizes = [len(row[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids")]
        parts = [(PLAIN, row["prompt_ids"]), (LEARNT, row["chosen_ids"]), (REJECTED, row["rejected_ids"])]
        head = "pair {}: {} tokens of prompt, {} chosen, {} rejected".format(number, *sizes)
        yield f"{head}\n{_text(tokenizer, parts, color=color)}"


def _tokenizer(model: str, texts: Sequence[str]) -> Any:
    from wow_flywheel.training.models import load_tokenizer

    return load_tokenizer(model, texts)


def _text(tokenizer: Any, parts: Sequence[Part], *, color: bool) -> str:
    """Special tokens are shown as they are; a part may end inside a character, which then shows as �."""
    pieces = []
    for style, ids in parts:
        before, after = (style, RESET) if color else BRACKETS[style]
        pieces.append(f"{before}{tokenizer.decode(ids, skip_special_tokens=False)}{after}")
    return "".join(pieces)

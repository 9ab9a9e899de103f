"""From checked rows to token ids, labels and lengths, with the proof that the labels cover what is to be learnt.

What belongs here: tokenising, masking, dropping what is too long. What does not: reading files (`rows`), templates
(`chat_template`), the order of examples (`order`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.chat_template import training_template
from wow_flywheel.training.rows import Labelled, Pair

if TYPE_CHECKING:  # dialogue imports polars, which a trainer does not need
    from wow_flywheel.dialogue import ChatMessage

IGNORED = -100
"""The label that the loss leaves out."""

Span = tuple[int, int]


class Encoded(NamedTuple):
    """Examples as token ids.

    Attributes:
        rows: Columns of one example: `input_ids` and `labels`, or `prompt_ids`, `chosen_ids` and `rejected_ids`.
        lengths: Tokens of each row; for a pair, of both its sequences.
        dropped: Examples left out because a sequence was longer than `max_length`.
        kept: For each row, the index of the example that it comes from.
    """

    rows: list[dict[str, list[int]]]
    lengths: list[int]
    dropped: int
    kept: list[int]


def encode_dialogues(tokenizer: Any, dialogues: Sequence[list[ChatMessage]], max_length: int, max_dropped: float) -> Encoded:
    """Token ids and labels of dialogues; labels are the ids of assistant contents and their end tokens, else `IGNORED`.

    Raises:
        TrainingError: The labels do not cover exactly the assistant's text, or more than the share `max_dropped` of the
            dialogues is longer than `max_length` tokens.
    """
    texts, spans = _render(tokenizer, dialogues)
    tokens = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    rows: list[dict[str, list[int]]] = []
    kept: list[int] = []
    for number, (dialogue, text, marked) in enumerate(zip(dialogues, texts, spans, strict=True)):
        _check_spans(dialogue, text, marked, number)
        ids, offsets = tokens["input_ids"][number], tokens["offset_mapping"][number]
        if len(ids) <= max_length:
            learnt = _learnt(offsets, marked, number)
            kept.append(number)
            rows.append({"input_ids": ids, "labels": [i if keep else IGNORED for i, keep in zip(ids, learnt, strict=True)]})
    return _checked(
        Encoded(rows, [len(row["input_ids"]) for row in rows], len(dialogues) - len(rows), kept), max_length, max_dropped
    )


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair], max_length: int, max_dropped: float) -> Encoded:
    """Token ids of pairs: `prompt_ids` end with the prompt for an answer, the others hold an answer and its end token.

    Raises:
        TrainingError: The answer does not start on a token boundary, or more than the share `max_dropped` of the pairs has a
            sequence longer than `max_length` tokens.
    """
    prompts = _texts(tokenizer, [pair.prompt for pair in pairs], prompt=True)
    rows: list[dict[str, list[int]]] = []
    kept: list[int] = []
    prompt_ids = _ids(tokenizer, prompts)
    chosen_ids, rejected_ids = (_answered(tokenizer, pairs, prompts, name) for name in ("chosen", "rejected"))
    for number, (prompt, chosen, rejected) in enumerate(zip(prompt_ids, chosen_ids, rejected_ids, strict=True)):
        if chosen[: len(prompt)] != prompt or rejected[: len(prompt)] != prompt:
            raise TrainingError(
                "a token crosses the border between a prompt and its answer",
                hint="the tokenizer must not merge the template's text with the answer: separate them by a special token",
            )
        if max(len(chosen), len(rejected)) <= max_length:
            kept.append(number)
            rows.append({"prompt_ids": prompt, "chosen_ids": chosen[len(prompt) :], "rejected_ids": rejected[len(prompt) :]})
    lengths = [2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in rows]
    return _checked(Encoded(rows, lengths, len(pairs) - len(rows), kept), max_length, max_dropped)


def encode_labelled(tokenizer: Any, replies: Sequence[Labelled], max_length: int, max_dropped: float) -> Encoded:
    """Token ids of labelled replies: `prompt_ids` and `completion_ids`, as `encode_pairs` gives a chosen answer's.

    Raises:
        TrainingError: As `encode_pairs`.
    """
    pairs = [Pair(reply.prompt, reply.completion, reply.completion) for reply in replies]
    encoded = encode_pairs(tokenizer, pairs, max_length, max_dropped)
    rows = [{"prompt_ids": row["prompt_ids"], "completion_ids": row["chosen_ids"]} for row in encoded.rows]
    return encoded._replace(rows=rows, lengths=[length // 2 for length in encoded.lengths])


def _answered(tokenizer: Any, pairs: Sequence[Pair], prompts: list[str], name: str) -> list[list[int]]:
    """Token ids of each prompt with its answer, ending with the end token: no line break after it is ever generated."""
    contents: list[str] = [getattr(pair, name) for pair in pairs]
    answers: list[ChatMessage] = [{"role": "assistant", "content": content} for content in contents]
    chats = [[*pair.prompt, answer] for pair, answer in zip(pairs, answers, strict=True)]
    texts = [text.rstrip("\n") for text in _texts(tokenizer, chats, prompt=False)]
    for number, (text, prompt, content) in enumerate(zip(texts, prompts, contents, strict=True), 1):
        completion = text.removeprefix(prompt).strip()
        if not text.startswith(prompt) or not completion.startswith(content.strip()) or completion == content.strip():
            raise TrainingError(
                f"pair {number}: the chat template does not render the prompt, then the {name} answer, then an end token",
                hint="the template must render the prompt the same way with and without an answer, and end each answer",
            )
    return _ids(tokenizer, texts)


def _texts(tokenizer: Any, chats: Sequence[list[ChatMessage]], *, prompt: bool) -> list[str]:
    texts: list[str] = tokenizer.apply_chat_template(list(chats), tokenize=False, add_generation_prompt=prompt)
    return texts


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return ids


def _checked(encoded: Encoded, max_length: int, max_dropped: float) -> Encoded:
    total = len(encoded.rows) + encoded.dropped
    if encoded.dropped > max_dropped * total or not encoded.rows:
        raise TrainingError(
            f"{encoded.dropped} of {total} examples are longer than max_length={max_length} tokens, over the share "
            f"{max_dropped:g}",
            hint="raise max_length, shorten the dialogues, or raise max_dropped; answers are never cut",
        )
    return encoded


def _render(tokenizer: Any, dialogues: Sequence[list[ChatMessage]]) -> tuple[list[str], list[list[Span]]]:
    from transformers.utils.chat_template_utils import render_jinja_template

    rendered: tuple[list[str], list[list[Span]]] = render_jinja_template(
        conversations=list(dialogues),
        chat_template=training_template(tokenizer),
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    texts, spans = rendered
    return texts, [[_trimmed(text, span) for span in marked] for text, marked in zip(texts, spans, strict=True)]


def _trimmed(text: str, span: Span) -> Span:
    """The span without the line breaks around it, which some families' marks enclose and no answer needs."""
    start, end = span
    marked = text[start:end]
    return start + len(marked) - len(marked.lstrip("\n")), end - len(marked) + len(marked.rstrip("\n"))


def _check_spans(dialogue: list[ChatMessage], text: str, spans: list[Span], number: int) -> None:
    """Each marked span is one assistant content and the same non-empty end."""
    contents = [message["content"].strip() for message in dialogue if message["role"] == "assistant"]
    marked = [text[start:end].strip() for start, end in spans]
    ends = {span.removeprefix(content) for span, content in zip(marked, contents, strict=False)}
    exact = len(marked) == len(contents) and all(
        span.startswith(content) for span, content in zip(marked, contents, strict=False)
    )
    if not exact or len(ends) != 1 or ends == {""}:
        raise TrainingError(
            f"dialogue {number + 1}: the template's generation marks do not cover exactly the assistant's text and its end",
            hint="the marks must enclose each assistant content and its end-of-turn token, and nothing else",
        )


def _learnt(offsets: list[Span], spans: list[Span], number: int) -> list[bool]:
    """For each token, whether it lies in a span; offsets may leave out a token's white space."""
    learnt: list[bool] = []
    remaining = iter(spans)
    start, end = next(remaining)
    for left, right in offsets:
        while left >= end and right > end:
            start, end = next(remaining, (sys.maxsize, sys.maxsize))
        inside = start < right <= end if left == right else start <= left and right <= end
        if not inside and left < end and right > start:
            raise TrainingError(
                f"dialogue {number + 1}: a token crosses the border of the assistant's text",
                hint="the tokenizer must not merge the template's text with the answer: separate them by a special token",
            )
        learnt.append(inside)
    return learnt

"""Runs a checkpoint: batches of conversations in, one unified dialogue-action output each.

What belongs here: loading a model and batched generation. What does not: HTTP (`app`), filters or rules on outputs – a model's
faults must show in the logs so that the flywheel can repair the model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.errors import ReleaseError
from wow_flywheel.processor import multiplies_bf16
from wow_flywheel.serving.protocol import Reply

BATCH = 256
BATCH_TOKENS = 2**16
"""Prompts go through the model together up to this many tokens, padding included: memory stays bounded for long ones."""
MAX_NEW_TOKENS = 512
"""Longest output of a checkpoint whose generation config sets no limit (transformers would stop after 20 tokens)."""


class ReplyEngine:
    """A loaded checkpoint.

    Sampling follows the checkpoint's own `generation_config.json`: how a model is decoded belongs to its release. On a
    CPU that would be several times slower in bf16, weights saved in it are computed with in fp32, at twice the memory.

    Args:
        model_dir: A folder that `from_pretrained` loads, or a hub id.
        seed: Seeds the sampling.

    Raises:
        ReleaseError: The folder holds no model, or its tokenizer has no chat template.
    """

    def __init__(self, model_dir: str | Path, *, seed: int = 0) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.manual_seed(seed)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(model_dir), padding_side="left")
            self._model: Any = AutoModelForCausalLM.from_pretrained(str(model_dir))
        except (OSError, ValueError) as error:  # transformers raises either for a folder without a tokenizer
            raise ReleaseError(f"no model can be loaded from {model_dir}", hint="check the path, or train it again") from error
        if not self._tokenizer.chat_template:
            raise ReleaseError(f"the tokenizer in {model_dir} has no chat template", hint="save one with the model")
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        limits = self._model.generation_config
        own_limit = limits.max_new_tokens is not None or limits.max_length is not None
        self._limit = {} if own_limit else {"max_new_tokens": MAX_NEW_TOKENS}
        self._longest_output: int = limits.max_new_tokens or (0 if own_limit else MAX_NEW_TOKENS)
        self._positions: int | None = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        if self._device == "cpu" and not multiplies_bf16():
            self._model.float()
        self._model.to(self._device).eval()

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        """The next assistant turn of each conversation, in order.

        Args:
            conversations: Chat messages whose assistant turns are `DialogueAction` JSON (see `dialogue.to_chat`).
        """
        prompts = [self._prompt(conversation) for conversation in conversations]
        lengths = list(map(len, self._tokenizer(prompts, add_special_tokens=False)["input_ids"])) if prompts else []
        return [reply for start, end in batches(lengths) for reply in self._batch(prompts[start:end])]

    def fits(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[bool]:
        """Whether each conversation and the longest output after it stay within the positions that the model has learned.

        Beyond them many architectures go on without an error, and answer nonsense.
        """
        prompts = [self._prompt(conversation) for conversation in conversations]
        found = self._tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
        return [self._positions is None or len(ids) + self._longest_output <= self._positions for ids in found]

    def text_losses(self, texts: Sequence[str]) -> list[float | None]:
        """Mean negative log-likelihood of each text's tokens but the first, in nats per token; None with fewer than two tokens.

        Beyond the model's positions a text is not looked at.
        """
        tokens = [self._tokenizer(text, add_special_tokens=False)["input_ids"][: self._positions] for text in texts]
        return [self._loss(ids, [True] * len(ids)) if len(ids) > 1 else None for ids in tokens]

    def losses(self, dialogues: Sequence[Sequence[ChatMessage]]) -> list[float | None]:
        """Mean negative log-likelihood of each dialogue's assistant tokens, in nats per token.

        None for a dialogue without such tokens, or one longer than the model's positions.

        The tokens are those between the assistant's turn opening and the next turn, found by rendering the dialogue prefix by
        prefix, so that any chat template will do.
        """
        return [self._loss(*self._masked(dialogue)) for dialogue in dialogues]

    def _loss(self, ids: list[int], mask: list[bool]) -> float | None:
        import torch

        if not any(mask) or len(ids) > (self._positions or len(ids)):
            return None
        tokens = torch.tensor([ids], device=self._device)
        with torch.inference_mode():
            scores = self._model(input_ids=tokens).logits[0, :-1].float().log_softmax(-1)
        chosen = scores.gather(1, tokens[0, 1:, None])[:, 0]
        kept = chosen[torch.tensor(mask[1:], device=self._device, dtype=torch.bool)]
        return float(-kept.mean())

    def _masked(self, dialogue: Sequence[ChatMessage]) -> tuple[list[int], list[bool]]:
        text = self._tokenizer.apply_chat_template(list(dialogue), tokenize=False)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        spans = []
        for turn, message in enumerate(dialogue):
            if message["role"] == "assistant":
                start = len(self._prompt(dialogue[:turn]))
                spans.append((start, start + len(message["content"])))
        return encoded["input_ids"], [any(a <= low < b for a, b in spans) for low, _ in encoded["offset_mapping"]]

    def _batch(self, prompts: list[str]) -> list[Reply]:
        import torch

        inputs = self._tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
        inputs = {name: inputs[name].to(self._device) for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            generated = self._model.generate(**inputs, **self._limit, pad_token_id=self._tokenizer.pad_token_id)
        width = inputs["input_ids"].shape[1]
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        return [self._reply(row, length) for row, length in zip(generated[:, width:].tolist(), lengths, strict=True)]

    def _prompt(self, conversation: Sequence[ChatMessage]) -> str:
        text: str = self._tokenizer.apply_chat_template(list(conversation), tokenize=False, add_generation_prompt=True)
        return text

    def _reply(self, tokens: list[int], prompt_tokens: int) -> Reply:
        pad, eos = self._tokenizer.pad_token_id, self._tokenizer.eos_token_id
        end = next((i for i, token in enumerate(tokens) if token in {eos, pad}), len(tokens))
        raw: str = self._tokenizer.decode(tokens[:end], skip_special_tokens=True).strip()
        return Reply(raw=raw, output=DialogueAction.from_json(raw), prompt_tokens=prompt_tokens, completion_tokens=end)


def batches(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Cut consecutive prompts into batches.

    Args:
        lengths: Tokens of each prompt.

    Returns:
        Start and end of each batch: at most 256 prompts, and at most 65,536 tokens once all are padded to the longest.
    """
    found: list[tuple[int, int]] = []
    start, longest = 0, 0
    for index, length in enumerate(lengths):
        longest = max(longest, length)
        if index > start and (index - start >= BATCH or longest * (index - start + 1) > BATCH_TOKENS):
            found.append((start, index))
            start, longest = index, length
    return [*found, (start, len(lengths))] if lengths else []

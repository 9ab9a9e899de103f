"""A model of a few thousand weights, its tokenizer and dialogues, made on the spot: what every training test trains on."""

import json
import random
from pathlib import Path
from typing import Any

from wow_flywheel.training.chat_template import CHATML_TEMPLATE

PLACES = ("river", "market", "harbour", "garden", "station")
ITEMS = ("lamp", "kettle", "jacket", "ticket", "basket")


def answer(text: str) -> str:
    return json.dumps({"knowledge": [], "reply": text, "action": None}, separators=(",", ":"))


def dialogues(count: int, seed: int = 0) -> list[list[dict[str, str]]]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        messages = [{"role": "system", "content": "Help with orders."}]
        for _ in range(rng.randint(1, 3)):
            item, place = rng.choice(ITEMS), rng.choice(PLACES)
            messages += [
                {"role": "user", "content": f"Where is my {item}? I am at the {place}."},
                {"role": "assistant", "content": answer(f"Your {item} waits at the {place}.")},
            ]
        rows.append(messages)
    return rows


def pairs(count: int) -> list[dict[str, Any]]:
    rows = []
    for messages in dialogues(count, seed=1):
        wrong = answer("I do not know.")
        rows.append({
            "prompt": messages[:-1],
            "chosen": [messages[-1]],
            "rejected": [{"role": "assistant", "content": wrong}],
        })  # fmt: skip
    return rows


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def make_tokenizer(template: str | None = CHATML_TEMPLATE) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((m["content"] for row in dialogues(50) for m in row), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = template
    return tokenizer


def make_model(folder: Path, template: str | None = CHATML_TEMPLATE, hidden: int = 32, layers: int = 2) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer(template)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SHORT = ["--max-length", "256", "--batch-size", "8", "--learning-rate", "0.01", "--logging-steps", "4", "--save-steps", "8"]

"""Loading a model and its tokenizer for training, and saving the result so that it loads as it was trained.

What belongs here: the checks that model and tokenizer fit each other, before and after. What does not: the loop (`loop`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.processor import multiplies_bf16
from wow_flywheel.training.chat_template import ensure_template
from wow_flywheel.training.config import TrainConfig

LARGE = 50_000_000
"""Parameters above which bf16 autocast (on a CPU) and packing pay: below, casts and masks cost more than they save."""


def load_tokenizer(model: str, texts: Sequence[str]) -> Any:
    """The tokenizer, with a chat template and a padding token.

    Args:
        model: Local folder or hub id.
        texts: Samples on which it must agree with the folder's own tokenizer.json.

    Raises:
        TrainingError: It cannot be loaded, has no offsets, lacks ChatML's tokens where it has no template, or is not what
            the folder's tokenizer.json says.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise _unloadable("tokenizer", model) from error
    if not tokenizer.is_fast:
        raise TrainingError(f"the tokenizer of {model} gives no character offsets", hint="convert it to a fast tokenizer")
    _check_class(tokenizer, Path(model) / "tokenizer.json", texts)
    ensure_template(tokenizer)
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise TrainingError(f"the tokenizer of {model} has neither a padding nor an end token", hint="set its pad_token")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(model: str, vocabulary: int, max_length: int) -> Any:
    """The model with fp32 weights, whatever it was saved in: pure-bf16 weights swallow small updates.

    Args:
        model: Local folder or hub id.
        vocabulary: Number of ids that its tokenizer knows.
        max_length: Longest sequence that it will see.

    Raises:
        TrainingError: It cannot be loaded, or is too small for the tokenizer or the sequences.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _unloadable("model", model) from error
    rows = loaded.get_input_embeddings().weight.shape[0]
    if vocabulary > rows:
        raise TrainingError(
            f"the tokenizer knows {vocabulary} ids but the model has {rows} embeddings",
            hint="this is not the model's tokenizer: save the two together",
        )
    positions = getattr(loaded.config.get_text_config(), "max_position_embeddings", None)
    if positions and max_length > positions:
        raise TrainingError(f"max_length={max_length} is beyond the model's {positions} positions", hint="lower max_length")
    return loaded


def autocast_bf16(config: TrainConfig, model: Any) -> bool:
    """Whether to train under bf16 autocast; fp32 otherwise."""
    import torch

    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(model.num_parameters() > LARGE) and multiplies_bf16()


def packs(config: TrainConfig, model: Any) -> bool:
    """Whether batches are computed without padding.

    Raises:
        TrainingError: It is asked for, and the model's attention would let sequences see each other.
    """
    from wow_flywheel.training.packed import why_not_packed

    reason = why_not_packed(model)
    if config.packing == "always" and reason:
        raise TrainingError(f"{config.model} cannot be trained packed: {reason}", hint="set packing=auto or never")
    return config.packing == "always" or (config.packing == "auto" and reason is None and model.num_parameters() > LARGE)


def lora(config: TrainConfig) -> Any:
    """The LoRA setting asked for, or None for full tuning."""
    if not config.lora_rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=2 * config.lora_rank,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )


def save(model: Any, state: dict[str, Any] | None, tokenizer: Any, texts: Sequence[str], folder: Path) -> None:
    """Save model and tokenizer, adapters merged, and prove that the tokenizer reloads as itself.

    Args:
        model: The unwrapped model.
        state: Its gathered weights where they were sharded over processes, else None.
        tokenizer: As trained with.
        texts: Samples whose ids must not change over a reload.
        folder: An existing folder.

    Raises:
        TrainingError: The reloaded tokenizer gives other ids: `AutoTokenizer` chose another class than the one in hand.
    """
    from transformers import AutoTokenizer

    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    merged.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
    reloaded = AutoTokenizer.from_pretrained(folder)
    if any(reloaded(text)["input_ids"] != tokenizer(text)["input_ids"] for text in texts):
        raise _another_class(tokenizer, reloaded)


def _check_class(tokenizer: Any, file: Path, texts: Sequence[str]) -> None:
    """`AutoTokenizer` picks a class by the model's type, and that class may split text in its own way."""
    if not file.exists():
        return
    from tokenizers import Tokenizer

    plain = Tokenizer.from_file(str(file))
    for text in texts:
        if plain.encode(text, add_special_tokens=False).ids != tokenizer(text, add_special_tokens=False)["input_ids"]:
            raise _another_class(plain, tokenizer)


def _another_class(saved: Any, loaded: Any) -> TrainingError:
    return TrainingError(
        f"the tokenizer saved as {type(saved).__name__} loads as {type(loaded).__name__} and gives other ids",
        hint="AutoTokenizer picks a class by the model's type: give a home-made tokenizer a model of type llama",
    )


def _unloadable(part: str, model: str) -> TrainingError:
    return TrainingError(
        f"the {part} of {model} cannot be loaded",
        hint="check that it is a model folder, or a hub id that this machine can reach",
    )

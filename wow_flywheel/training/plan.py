"""How a run's examples go through the model: precision, packing, how many at once, whether activations are recomputed.

What belongs here: that decision, from the config, the model and the machine. What does not: the estimates (`memory`), packing
itself (`packed`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wow_flywheel.training import memory, models
from wow_flywheel.training.config import TrainConfig

KEPT_CHECKPOINTS = 2
"""The newest may be half-written when a kill comes, so one before it is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How examples go through the model; what comes out does not hang on it.

    Attributes:
        bf16: Whether matrix products are computed in bf16, weights staying fp32.
        packed: Whether batches are computed without padding.
        micro_batch: Examples at once; a step adds up as many of these as make its batch.
        checkpointing: Whether activations are recomputed.
    """

    bf16: bool
    packed: bool
    micro_batch: int
    checkpointing: bool


def make_plan(config: TrainConfig, model: Any, lengths: Sequence[int], folder: Path, *, pack: bool = True) -> Plan:
    """Decide how examples go through the model, and refuse a run that will not fit on the disk.

    Args:
        config: What to do.
        model: The loaded model, without adapters.
        lengths: Tokens of each example.
        folder: Where the run writes.
        pack: Whether the trainer can compute without padding.

    Raises:
        TrainingError: Packing was asked for and the model cannot take it, or the disk is too full.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    bf16, packed = models.autocast_bf16(config, model), pack and models.packs(config, model)
    size = memory.micro_batch(lengths, config.batch_size, device) if packed else config.batch_size
    shape = memory.Shape.of(model, lora_rank=config.lora_rank)
    memory.check_disk(folder, shape.parameters, shape.trained, KEPT_CHECKPOINTS + 1 if config.save_steps else 0)
    needed = shape.bytes_needed(size * max(lengths), bf16=bf16, checkpointed=False)
    available = memory.available_memory(config.memory_gb) + 4 * shape.parameters
    return Plan(bf16, packed, size, memory.needs_checkpointing(config.gradient_checkpointing, needed, available))

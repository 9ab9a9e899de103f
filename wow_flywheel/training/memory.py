"""What a run will need: memory while it trains, room on disk for its checkpoints, and how many examples fit through at once.

What belongs here: estimates from sizes, and the refusals and choices that follow. What does not: measuring a running process.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from wow_flywheel.errors import TrainingError

TOKENS_AT_ONCE = {"cpu": 1024, "cuda": 8192}
"""Tokens in a packed row: enough to keep the arithmetic units busy, few enough that the square mask stays small."""
HEADROOM = 0.9
"""Share of the free memory that a run may plan to use."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model that its memory hangs on.

    Attributes:
        parameters: All weights, kept in fp32.
        trained: Those that have gradients and AdamW's two moments, in fp32.
        layers: Transformer layers.
        hidden: Width of the residual stream.
        attention: Width of queries plus keys plus values.
        feed_forward: Width inside the feed-forward block.
        vocabulary: Tokens.
    """

    parameters: int
    trained: int
    layers: int
    hidden: int
    attention: int
    feed_forward: int
    vocabulary: int

    @classmethod
    def of(cls, model: Any, *, lora_rank: int) -> "Shape":
        """Read from a loaded model.

        Args:
            model: The model, all its weights loaded, without adapters.
            lora_rank: The rank of the adapters that each of its linear layers but the head will get; 0 trains all weights.
        """
        config = model.config.get_text_config()
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        keys = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        parameters = sum(weights.numel() for weights in model.parameters())
        adapters = sum(
            lora_rank * sum(weights.shape)
            for name, weights in model.named_parameters()
            if weights.ndim == 2 and name.endswith("proj.weight")
        )
        return cls(
            parameters=parameters + adapters,
            trained=adapters or parameters,
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            attention=head * (config.num_attention_heads + 2 * keys),
            feed_forward=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
            vocabulary=config.vocab_size,
        )

    def bytes_needed(self, tokens: int, *, bf16: bool, checkpointed: bool) -> int:
        """Peak memory of a training step in bytes, without what the process needs before it loads a model.

        Weights, gradients and moments: 4 bytes a weight, 12 more where it is trained. Activations a token and layer, after
        Korthikanti et al. (arXiv 2205.05198, section 4) for a gated feed-forward block and attention that keeps no scores: in
        the computing precision the normed inputs of both blocks, queries, keys, values and the attention's output, and four
        tensors of the feed-forward width; in fp32 the residual stream after both blocks and inside both norms. Checkpointing
        keeps the residual stream alone, and all of one layer. The head's logits of every token count three times: as computed,
        in fp32, and as gradients.
        """
        width = 2 if bf16 else 4
        layer = width * (3 * self.hidden + self.attention + 4 * self.feed_forward) + 16 * self.hidden
        kept = layer + 4 * self.hidden * self.layers if checkpointed else layer * self.layers
        return 4 * self.parameters + 12 * self.trained + tokens * (kept + self.vocabulary * (width + 8))


def micro_batch(lengths: Sequence[int], batch_size: int, device: str) -> int:
    """Examples that go through the model at once: the largest divisor of the batch size that keeps a packed row short.

    Args:
        lengths: Tokens of each example.
        batch_size: Examples a step on each device.
        device: `cpu` or `cuda`.
    """
    room = TOKENS_AT_ONCE[device] / fmean(lengths)
    return max(size for size in range(1, batch_size + 1) if batch_size % size == 0 and (size <= room or size == 1))


def needs_checkpointing(setting: str, needed: int, available: int) -> bool:
    """Whether to recompute activations: as the setting says, or for `auto` if they would not fit."""
    return setting == "always" or (setting == "auto" and needed > HEADROOM * available)


def available_memory(memory_gb: float) -> int:
    """Bytes that a run may use on one device: what the setting says, or what is free there."""
    if memory_gb:
        return int(memory_gb * 1e9)
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return _free_of_machine(Path("/proc/meminfo"), Path("/sys/fs/cgroup"))


def check_disk(folder: Path, parameters: int, trained: int, checkpoints: int) -> None:
    """Refuse a run whose checkpoints and model will not fit on the disk, before hours are spent on it.

    Args:
        folder: Where it writes; need not exist.
        parameters: Weights of the model; it is published in fp32.
        trained: Weights that a checkpoint holds, with AdamW's two moments.
        checkpoints: How many exist at once at most, the one being written included.

    Raises:
        TrainingError: Too little is free.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    needed = 4 * parameters + checkpoints * 12 * trained
    free = shutil.disk_usage(there).free
    if free < needed:
        raise TrainingError(
            f"{there} has {free / GIB:.1f} GiB free, and this run writes up to {needed / GIB:.1f} GiB: "
            f"its model and {checkpoints} checkpoints",
            hint="free some space, choose another output_dir, or set save_steps=0 to write no checkpoints",
        )


def _free_of_machine(meminfo: Path, cgroup: Path) -> int:
    """What Linux calls available, or what a container's limit leaves; without either (another system), no limit is known."""
    found = []
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        found.append(1024 * int(lines["MemAvailable"].split()[0]))
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.exists() and (text := limit.read_text("ascii").strip()) != "max":
        found.append(int(text) - int(used.read_text("ascii")))
    return min(found, default=1 << 62)

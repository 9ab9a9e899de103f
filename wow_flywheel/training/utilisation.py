"""How much arithmetic a run did, and what share that is of what its devices could have done.

What belongs here: model FLOPs, counted from sizes; the peaks of known devices. What does not: measuring time (`loop`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PEAKS: Final[Mapping[str, float]] = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165e12,
}
"""Dense bf16 FLOP/s by what a device's name contains, the first that fits; from NVIDIA's data sheets, sparse figures halved."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What a model's arithmetic hangs on.

    Attributes:
        weights: Weights that each token is multiplied with: all but the table of input embeddings, unless it is the head too.
        trained: Those of them that have gradients.
        attention: Layers times the width of their queries.
    """

    weights: int
    trained: int
    attention: int

    @classmethod
    def of(cls, model: Any) -> "Arithmetic":
        """Read from a loaded model, adapters and all."""
        config = model.config.get_text_config()
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        table, out = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        used = [weights for weights in model.parameters() if weights is out or weights is not table]
        return cls(
            weights=sum(weights.numel() for weights in used),
            trained=sum(weights.numel() for weights in used if weights.requires_grad),
            attention=config.num_hidden_layers * config.num_attention_heads * head,
        )

    def of_training(self, lengths: Iterable[int]) -> int:
        """FLOPs of one forward and one backward pass over sequences of these lengths.

        After Chowdhery et al. (PaLM, arXiv 2204.02311, appendix B): 6 a weight and token, and 12 a layer, query width, token
        and position for attention, as if nothing were masked. A weight without a gradient needs 4. Nothing counts twice:
        not activations that are recomputed, not padding, not a reference model.
        """
        return sum((4 * self.weights + 2 * self.trained) * length + 12 * self.attention * length * length for length in lengths)


def sequences(row: Mapping[str, Sequence[int]]) -> list[int]:
    """Lengths in tokens of the sequences of an encoded example: a pair has two, each with the prompt."""
    if "input_ids" in row:
        return [len(row["input_ids"])]
    answers = [name for name in ("chosen_ids", "rejected_ids", "completion_ids") if name in row]
    return [len(row["prompt_ids"]) + len(row[name]) for name in answers]


def peak(device: str) -> float | None:
    """Dense bf16 FLOP/s of a device by its name; None where it is not known, as of any CPU."""
    return next((flops for name, flops in PEAKS.items() if name in device), None)


def utilisation(flops: float, seconds: float, devices: int, device: str) -> float | None:
    """Model FLOPs utilisation (MFU): FLOPs by what the devices could have done meanwhile; None where their peak is unknown."""
    most = peak(device)
    return None if most is None else flops / (seconds * devices * most)

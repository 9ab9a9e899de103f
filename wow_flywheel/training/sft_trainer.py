"""Which of three trainers SFT uses; all minimise the same loss and differ in what they compute for it.

What belongs here: TRL's `SFTTrainer` and its two variants. What does not: any other part of SFT (`sft`), packing itself
(`packed`). TRL computes log-probabilities in chunks and once more in the backward pass, which saves memory where a vocabulary
has 100,000 tokens and costs half the step where it has a thousand.
"""

from typing import Any

SMALL_VOCABULARY = 8192


def trainer_class(vocabulary: int, *, packed: bool) -> type[Any]:
    """The variant on packed rows, else TRL's `SFTTrainer`, or for up to 8,192 tokens its variant on full logits."""
    if packed:
        return _packed()
    if vocabulary <= SMALL_VOCABULARY:
        return _small_vocabulary()
    from trl.trainer.sft_trainer import SFTTrainer

    plain: type[Any] = SFTTrainer
    return plain


def _packed() -> type[Any]:
    from trl.trainer.sft_trainer import SFTTrainer

    from wow_flywheel.training.packed import Packed

    class PackedSftTrainer(SFTTrainer):  # type: ignore[misc] # TRL is untyped
        """`SFTTrainer` whose batches are computed without padding, and its head on labelled tokens alone."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            return super().compute_loss(Packed(model, pairs=False), inputs, return_outputs, num_items_in_batch)

    return PackedSftTrainer


def _small_vocabulary() -> type[Any]:
    from trl.trainer.sft_trainer import SFTTrainer

    class SmallVocabularySftTrainer(SFTTrainer):  # type: ignore[misc] # TRL is untyped
        """`SFTTrainer` with the negative log-likelihood taken from full logits."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            from torch.nn.functional import cross_entropy

            rest = {name: value for name, value in inputs.items() if name != "labels"}
            outputs = model(**rest, use_cache=False)
            targets = inputs["labels"][:, 1:]
            kept = targets != -100
            total = cross_entropy(outputs.logits[:, :-1][kept].float(), targets[kept], reduction="sum")
            count = kept.sum() if num_items_in_batch is None else num_items_in_batch
            loss = total / count.clamp(min=1)
            if self.args.average_tokens_across_devices and num_items_in_batch is not None:
                loss = loss * self.accelerator.num_processes
            return (loss, outputs) if return_outputs else loss

    return SmallVocabularySftTrainer

"""SFT loss for models with a small vocabulary, on full logits.

What belongs here: that loss. What does not: any other part of SFT (`sft`). TRL computes log-probabilities in chunks and once
more in the backward pass, which saves memory where a vocabulary has 100,000 tokens and costs half the step where it has a
thousand.
"""

from typing import Any

SMALL_VOCABULARY = 8192


def trainer_class(vocabulary: int) -> type[Any]:
    """TRL's `SFTTrainer`, or for up to 8,192 tokens its variant with the same loss on full logits."""
    from trl.trainer.sft_trainer import SFTTrainer

    if vocabulary > SMALL_VOCABULARY:
        plain: type[Any] = SFTTrainer
        return plain

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

"""Log-probabilities of a padded batch, computed without its padding and with each shared prompt once.

TRL's losses ask a model for the log-probabilities of labels, on a batch padded to its longest row; for DPO the prompt stands in
it twice, before the chosen and before the rejected answer. `Packed` stands in for the model in those calls: it lays the real
tokens end to end in one row, under a mask in which a token sees only its own sequence up to itself, and puts the results back
where TRL expects them. Losses stay TRL's own.

    rows of TRL's batch      prompt chosen · ·  and  prompt rejected
    the row that is computed prompt chosen rejected            (the last prompt token opens each answer, so it stands twice)

What belongs here: that row, its mask, and which models can take it. What does not: losses (TRL), the order of
examples (`order`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wow_flywheel.training.encoding import IGNORED

if TYPE_CHECKING:  # torch is loaded by the run, not by importing the trainers
    from torch import Tensor


class PackedRow(NamedTuple):
    """A padded batch as one row of T tokens.

    Attributes:
        input_ids: Int64 (1, T).
        position_ids: Int64 (1, T): each token's position in its own sequence.
        attends: Bool (1, 1, T, T): whether a token sees another; None where plain causal attention says the same.
        labelled: Bool (rows, length − 1): positions of the padded batch whose next token is a label.
        sources: Int64 (K,): the token in the row that predicts each label, in the order of `labelled`.
        targets: Int64 (K,): the labels.
    """

    input_ids: Tensor
    position_ids: Tensor
    attends: Tensor | None
    labelled: Tensor
    sources: Tensor
    targets: Tensor


def pack(input_ids: Tensor, attention_mask: Tensor, labels: Tensor, *, pairs: bool) -> PackedRow:
    """Lay the real tokens of a batch end to end.

    Args:
        input_ids: Int64 (rows, length), padded on the right.
        attention_mask: 1 where a token is real, (rows, length).
        labels: Int64 (rows, length), `IGNORED` where nothing is to be predicted.
        pairs: Whether row i and row i + rows/2 share what stands before their first label; it is then computed once.
    """
    import torch

    real = attention_mask.bool()
    rows, length = input_ids.shape
    positions = torch.arange(length, device=input_ids.device).expand(rows, length)
    sequence = torch.arange(rows, device=input_ids.device)[:, None].expand(rows, length)
    branch = torch.zeros_like(input_ids)
    if pairs:
        half = rows // 2
        opening = (labels != IGNORED).int().argmax(dim=1, keepdim=True) - 1
        answers = positions >= opening
        second = sequence >= half
        real = real & (answers | ~second)
        branch = torch.where(answers, 1 + second.long(), 0)
        sequence = sequence % half
    place = (real.flatten().cumsum(0) - 1).view(rows, length)
    labelled = labels[:, 1:] != IGNORED
    attends = None if rows == 1 else _attends(sequence[real], branch[real], positions[real])
    return PackedRow(
        input_ids[real][None], positions[real][None], attends, labelled, place[:, :-1][labelled], labels[:, 1:][labelled]
    )


def _attends(sequence: Tensor, branch: Tensor, positions: Tensor) -> Tensor:
    """Own sequence, not later than itself, and of its answers only its own."""
    same = sequence[:, None] == sequence[None]
    seen = (branch[None] == 0) | (branch[:, None] == branch[None])
    earlier = positions[None] <= positions[:, None]
    return (same & seen & earlier)[None, None]


class Recorded:
    """A model called the way TRL calls it, whose latest log-probabilities are kept for statistics of single examples.

    Attributes:
        log_probs: Float (rows, length − 1), detached; 0 where nothing is labelled.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.log_probs: Any = None

    def __call__(self, **inputs: Any) -> Any:
        """What the model answers."""
        answer = self._answer(**inputs)
        self.log_probs = answer.log_probs.detach()
        return answer

    def _answer(self, **inputs: Any) -> Any:
        return self._model(**inputs)


class Packed(Recorded):
    """A model whose padded batches are computed without padding.

    Args:
        model: A causal language model that `packs`, in whatever accelerate, FSDP or PEFT has wrapped it.
        pairs: Whether the batches are DPO's: chosen rows, then rejected rows with the same prompts.
    """

    def __init__(self, model: Any, *, pairs: bool) -> None:
        super().__init__(model)
        self._pairs = pairs

    def _answer(self, input_ids: Any = None, attention_mask: Any = None, labels: Any = None, **_: Any) -> Any:
        from trl.trainer.utils import FusedCausalLMOutput

        row = pack(input_ids, attention_mask, labels, pairs=self._pairs)
        values = self._fused(row) if input_ids.device.type == "cuda" else self._selected(row)
        spread = {
            name: value.new_zeros(row.labelled.shape).masked_scatter(row.labelled, value) for name, value in values.items()
        }
        return FusedCausalLMOutput(label_mask=row.labelled, **spread)

    def _selected(self, row: PackedRow) -> dict[str, Any]:
        """The head on the labelled positions alone; outside of a GPU, TRL's works on every position, and again backward."""
        import torch

        inputs = {"input_ids": row.input_ids, "position_ids": row.position_ids, "attention_mask": row.attends}
        logits = self._model(**inputs, use_cache=False, logits_to_keep=row.sources).logits[0].float()
        scores = logits.log_softmax(-1)
        found = scores.gather(1, row.targets[:, None])[:, 0]
        with torch.no_grad():
            entropy = -(scores.exp() * scores).sum(-1)
            return {
                "log_probs": found,
                "entropy": entropy,
                "mean_logits": logits.mean(-1),
                "is_top1": logits.argmax(-1) == row.targets,
            }

    def _fused(self, row: PackedRow) -> dict[str, Any]:
        """TRL's head, which on a GPU works on the labelled positions alone and in tiles."""
        labels = row.input_ids.new_full(row.input_ids.shape, IGNORED)
        labels[0, row.sources] = row.targets
        inputs = {"input_ids": row.input_ids, "position_ids": row.position_ids, "attention_mask": row.attends}
        answer = self._model(**inputs, use_cache=False, shift_labels=labels, fused_lm_head=True)
        fields = {name: getattr(answer, name) for name in ("log_probs", "entropy", "mean_logits", "is_top1")}
        return {name: value[0][row.sources] for name, value in fields.items() if value is not None}


def why_not_packed(model: Any) -> str | None:
    """Why a model cannot take packed rows, or None if it can.

    A packed row needs attention that honours a mask of its own (SDPA) in every layer: a sliding window or a recurrent layer
    would let sequences see each other.
    """
    text = model.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        return f"it has layers of kind {', '.join(sorted(kinds - {'full_attention'}))}"
    if getattr(text, "sliding_window", None):
        return "its attention has a sliding window"
    if model.config._attn_implementation != "sdpa":  # noqa: SLF001 # transformers has no public name for it
        return f"its attention runs as {model.config._attn_implementation}, not sdpa"  # noqa: SLF001
    return None

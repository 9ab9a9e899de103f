"""Packed rows give what separate rows give: no sequence sees another, and a shared prompt is computed once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from wow_flywheel.training.encoding import IGNORED
from wow_flywheel.training.packed import Packed, pack, why_not_packed

SFT = ([5, 6, 7, 8], [9, 10, 11], [12, 13, 14, 15, 16, 17])
PROMPTS = ([5, 6, 7], [8, 9])
CHOSEN = ([20, 21], [22, 23, 24])
REJECTED = ([30, 31, 32], [33])


@pytest.fixture(scope="module")
def loaded(model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64).eval()


def padded(rows: list[list[int]], first_label: list[int]) -> dict[str, torch.Tensor]:
    length = max(map(len, rows))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    real = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    labels = ids.masked_fill(real == 0, IGNORED)
    for row, start in zip(labels, first_label, strict=True):
        row[:start] = IGNORED
    return {"input_ids": ids, "attention_mask": real, "labels": labels}


def alone(model: Any, ids: list[int], start: int) -> list[float]:
    with torch.no_grad():
        scores = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    return [scores[at - 1, ids[at]].item() for at in range(start, len(ids))]


def labelled(outputs: Any, row: int) -> list[float]:
    return outputs.log_probs[row][outputs.label_mask[row]].tolist()


def test_a_packed_row_gives_each_sequence_what_it_gets_alone(loaded: Any) -> None:
    outputs = Packed(loaded, pairs=False)(**padded([*map(list, SFT)], [1, 2, 3]), use_cache=False)
    for row, (ids, start) in enumerate(zip(SFT, (1, 2, 3), strict=True)):
        assert labelled(outputs, row) == pytest.approx(alone(loaded, ids, start), abs=1e-5)
    assert (outputs.log_probs[~outputs.label_mask] == 0).all()


def test_both_answers_to_a_prompt_get_what_they_get_alone(loaded: Any) -> None:
    rows = [p + a for answers in (CHOSEN, REJECTED) for p, a in zip(PROMPTS, answers, strict=True)]
    starts = [len(p) for _ in range(2) for p in PROMPTS]
    outputs = Packed(loaded, pairs=True)(**padded(rows, starts), use_cache=False)
    for row, (ids, start) in enumerate(zip(rows, starts, strict=True)):
        assert labelled(outputs, row) == pytest.approx(alone(loaded, ids, start), abs=1e-5)


def test_a_sequence_does_not_feel_its_neighbours(loaded: Any) -> None:
    one = Packed(loaded, pairs=False)(**padded([[5, 6, 7, 8], [9, 10, 11]], [1, 1]))
    other = Packed(loaded, pairs=False)(**padded([[5, 6, 7, 8], [40, 41, 42]], [1, 1]))
    assert labelled(one, 0) == labelled(other, 0)
    assert labelled(one, 1) != labelled(other, 1)


def test_a_prompt_stands_once_but_for_its_last_token() -> None:
    rows = [PROMPTS[0] + CHOSEN[0], PROMPTS[0] + REJECTED[0]]
    row = pack(**padded(rows, [3, 3]), pairs=True)
    assert row.input_ids.tolist() == [[5, 6, 7, 20, 21, 7, 30, 31, 32]]
    assert row.position_ids.tolist() == [[0, 1, 2, 3, 4, 2, 3, 4, 5]]
    assert row.targets.tolist() == [20, 21, 30, 31, 32]
    assert row.sources.tolist() == [2, 3, 5, 6, 7]
    assert row.attends is not None
    assert row.attends[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 1, 1, 0, 0],
        [1, 1, 0, 0, 0, 1, 1, 1, 0],
        [1, 1, 0, 0, 0, 1, 1, 1, 1],
    ]


def test_gradients_are_those_of_the_padded_batch(loaded: Any) -> None:
    batch = padded([*map(list, SFT)], [1, 2, 3])
    gradients = []
    for outputs in (packed_sum, plain_sum):
        loaded.zero_grad()
        outputs(loaded, batch).backward()
        gradients.append([weights.grad.clone() for weights in loaded.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-3)


def packed_sum(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return Packed(model, pairs=False)(**batch).log_probs.sum()


def plain_sum(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    scores = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1].log_softmax(-1)
    targets = batch["labels"][:, 1:]
    kept = targets != IGNORED
    return scores[kept].gather(1, targets[kept][:, None]).sum()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"layer_types": ["full_attention", "linear_attention"]}, "layers of kind linear_attention"),
        ({"sliding_window": 4096}, "sliding window"),
        ({"_attn_implementation": "eager"}, "runs as eager"),
    ],
)
def test_models_that_would_mix_sequences_are_told_apart(changes: dict[str, Any], reason: str | None) -> None:
    config = SimpleNamespace(**({"layer_types": None, "sliding_window": None, "_attn_implementation": "sdpa"} | changes))
    config.get_text_config = lambda: config
    found = why_not_packed(SimpleNamespace(config=config))
    assert (found is None) if reason is None else (found is not None and reason in found)

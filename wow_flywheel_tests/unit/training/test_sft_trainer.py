"""Packed or on full logits, the loss is TRL's: the same value and the same gradients for the same model and batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.training import sft_trainer

VOCABULARY, IGNORED, PADDING = 64, -100, 0


def model(seed: int = 0) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, initializer_range=0.5, pad_token_id=PADDING, **shape))


def batch(*answers: Sequence[int], length: int = 12, seed: int = 1) -> dict[str, Any]:
    """A row of random tokens for each of `answers`, which names the places that are learnt; shorter rows are padded."""
    import torch

    ids = torch.randint(1, VOCABULARY, (len(answers), length), generator=torch.Generator().manual_seed(seed))
    labels, seen = torch.full_like(ids, IGNORED), torch.ones_like(ids)
    for row, learnt in enumerate(answers):
        labels[row, list(learnt)] = ids[row, list(learnt)]
        end = length - 2 * row
        ids[row, end:], seen[row, end:], labels[row, end:] = PADDING, 0, IGNORED
    return {"input_ids": ids, "attention_mask": seen, "labels": labels}


UNLIKE: list[Sequence[int]] = [range(6, 12), [1, 2, 5, 6], [3]]
ANSWERS: dict[str, list[Sequence[int]]] = {
    "one answer": [range(4, 9)],
    "two answers in a row": [[2, 3, 4, 8, 9]],
    "rows of unlike length": UNLIKE,
    "the first token, which nothing predicts": [[0, 1, 2]],
    "the last token": [[11]],
    "a row with nothing to learn": [[5, 6], []],
    "nothing to learn at all": [[], []],
}


@pytest.fixture(scope="module")
def trainers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """This project's trainers and TRL's, each with its own copy of the model."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(VOCABULARY)}, unk_token="w1"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0", eos_token="w2")
    rows = Dataset.from_list([{"input_ids": [3, 4], "labels": [3, 4]}])

    def trainer(kind: type[Any], name: str) -> Any:
        folder = tmp_path_factory.mktemp(name)
        return kind(model=model(), args=config(folder), train_dataset=rows, processing_class=tokenizer)

    def config(folder: Path) -> SFTConfig:
        quiet = {"report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False, "use_cpu": True}
        quiet |= {"bf16": False, "activation_checkpointing": False}
        return SFTConfig(output_dir=str(folder), max_length=None, dataset_kwargs={"skip_prepare_dataset": True}, **quiet)

    own = sft_trainer.trainer_class(VOCABULARY, packed=False)
    assert own is not SFTTrainer
    packed = trainer(sft_trainer.trainer_class(VOCABULARY, packed=True), "packed")
    return {"own": trainer(own, "own"), "trl": trainer(SFTTrainer, "trl"), "packed": packed}


def step(trainer: Any, inputs: dict[str, Any], count: Any = None, *, train: bool = True) -> tuple[float, dict[str, Any]]:
    """The loss of a batch and each weight's gradient."""
    trainer.model.train(train)
    trainer.model.zero_grad()
    loss = trainer.compute_loss(
        trainer.model, {name: value.clone() for name, value in inputs.items()}, num_items_in_batch=count
    )
    loss.backward()
    return loss.item(), {name: weight.grad.clone() for name, weight in trainer.model.named_parameters()}


def same(trainers: dict[str, Any], inputs: dict[str, Any], count: Any = None, *, train: bool = True) -> float:
    """Hold one step of all trainers to TRL's; returns the loss."""
    import torch

    trl, trl_grads = step(trainers["trl"], inputs, count, train=train)
    for variant in ("packed", "own"):
        own, own_grads = step(trainers[variant], inputs, count, train=train)
        assert own == pytest.approx(trl, rel=1e-5, abs=1e-7)
        assert own_grads.keys() == trl_grads.keys()
        for name, grad in own_grads.items():
            torch.testing.assert_close(
                grad, trl_grads[name], rtol=1e-4, atol=1e-5, msg=lambda text, name=name, kind=variant: f"{kind} {name}: {text}"
            )
    assert any(grad.abs().max() > 1e-3 for grad in own_grads.values()) == (own > 0)
    return own


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_loss_and_gradients_are_trls(trainers: dict[str, Any], answers: list[Sequence[int]]) -> None:
    inputs = batch(*answers)
    assert (same(trainers, inputs) > 0) == bool((inputs["labels"][:, 1:] != IGNORED).any())


@pytest.mark.parametrize("count", [1, 5, 23])
def test_under_gradient_accumulation_both_divide_by_the_tokens_of_the_whole_step(trainers: dict[str, Any], count: int) -> None:
    import torch

    inputs = batch(*UNLIKE)
    learnt = int((inputs["labels"][:, 1:] != IGNORED).sum())
    whole = same(trainers, inputs, torch.tensor(count))
    assert whole * count == pytest.approx(same(trainers, inputs) * learnt, rel=1e-5)


def test_evaluation_takes_the_same_loss(trainers: dict[str, Any]) -> None:
    inputs = batch(*UNLIKE)
    assert same(trainers, inputs, train=False) == pytest.approx(same(trainers, inputs), rel=1e-6)


def test_the_loss_is_the_mean_over_what_is_learnt_worked_out_token_by_token(trainers: dict[str, Any]) -> None:
    import torch

    inputs = batch([0, 3, 4], [7])
    with torch.no_grad():
        scores = model()(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits.log_softmax(-1)
    ids = inputs["input_ids"]
    expected = -sum(scores[row, at - 1, ids[row, at]] for row, at in ((0, 3), (0, 4), (1, 7))) / 3
    assert same(trainers, inputs) == pytest.approx(expected.item(), rel=1e-5)


def test_what_is_not_learnt_and_what_is_padded_do_not_change_the_loss(trainers: dict[str, Any]) -> None:
    import torch

    inputs = batch(*UNLIKE)
    padded = {
        name: torch.nn.functional.pad(value, (0, 3), value={"labels": IGNORED}.get(name, 0)) for name, value in inputs.items()
    }
    assert same(trainers, padded) == pytest.approx(same(trainers, inputs), rel=1e-5)


def test_a_token_of_the_lowest_id_is_learnt_like_any_other(trainers: dict[str, Any]) -> None:
    inputs = batch([4, 5])
    inputs["input_ids"][0, 4] = inputs["labels"][0, 4] = 0
    without = {**inputs, "labels": inputs["labels"].where(inputs["labels"] != 0, IGNORED)}
    assert same(trainers, inputs) != pytest.approx(same(trainers, without), rel=1e-3)


def test_what_is_padded_on_the_left_is_not_seen(trainers: dict[str, Any]) -> None:
    inputs = batch(range(6, 9))
    hidden = {**inputs, "attention_mask": inputs["attention_mask"].clone()}
    hidden["attention_mask"][0, :4] = 0
    assert same(trainers, hidden) != pytest.approx(same(trainers, inputs), rel=1e-3)


def test_the_outputs_that_come_with_the_loss_are_the_models_full_logits(trainers: dict[str, Any]) -> None:
    import torch

    inputs = batch(range(4, 9))
    own = trainers["own"]
    own.model.eval()
    with torch.no_grad():
        loss, outputs = own.compute_loss(own.model, dict(inputs), return_outputs=True)
        expected = own.model(input_ids=inputs["input_ids"]).logits
    assert outputs.logits.shape == (1, 12, VOCABULARY)
    torch.testing.assert_close(outputs.logits, expected)
    assert loss.item() == pytest.approx(step(own, inputs)[0], rel=1e-6)


def test_the_batch_is_left_as_it_was(trainers: dict[str, Any]) -> None:
    inputs = batch([3, 4])
    trainers["own"].compute_loss(trainers["own"].model, inputs)
    assert sorted(inputs) == ["attention_mask", "input_ids", "labels"]


@pytest.mark.parametrize(("vocabulary", "plain"), [(1, False), (8192, False), (8193, True), (151_936, True)])
def test_only_a_small_vocabulary_takes_full_logits(vocabulary: int, plain: bool) -> None:
    from trl.trainer.sft_trainer import SFTTrainer

    assert (sft_trainer.trainer_class(vocabulary, packed=False) is SFTTrainer) == plain
    assert issubclass(sft_trainer.trainer_class(vocabulary, packed=False), SFTTrainer)

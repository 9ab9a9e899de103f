"""KTO, where replies have labels and no pairs: `python -m wow_flywheel.training.kto --config f.json`.

What belongs here: what is particular to KTO (arXiv 2402.01306), whose loss compares each reply with the reference and with a
mismatched reply of the same batch. What does not: that loss (TRL), the shared loop (`loop`), choosing labelled replies
(`datasets.labelled`).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import KtoConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.launch import collect_only_new, run_command
from wow_flywheel.training.options import make_parser as _make_parser
from wow_flywheel.training.report import Reporter
from wow_flywheel.training.rows import read_labelled

FIRST_REWARD = 0.02
"""How far the first rewards may be from 0: rounding of bf16, not another reference."""


def make_parser() -> argparse.ArgumentParser:
    """The command line: `--config FILE`, and a flag for each field of `KtoConfig`."""
    return _make_parser(
        KtoConfig, "wow_flywheel.training.kto", "Tune a model towards replies labelled good, away from bad ones."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return run_command(KtoConfig, make_parser(), argv, train)


def train(config: KtoConfig, folder: RunFolder, facts: dict[str, Any], report: Reporter, started: float) -> dict[str, Any]:
    """Tune on labelled replies.

    Args:
        config: What to do.
        folder: Where; claimed by this run.
        facts: What the record is to say of data and model.
        report: Who hears of it.
        started: Clock at the start of the command.

    Returns:
        The record of the run, as in run.json.

    Raises:
        TrainingError: Data, template or model do not fit, the reference is not the starting model, or the loss became NaN.
    """
    replies = read_labelled(Path(config.replies))

    from datasets import Dataset
    from trl.trainer.kto_config import KTOConfig

    from wow_flywheel.training import loop, models
    from wow_flywheel.training.encoding import encode_labelled
    from wow_flywheel.training.plan import make_plan

    collect_only_new()
    texts = [reply.completion for reply in replies[:32]]
    tokenizer = models.load_tokenizer(config.model, texts)
    encoded = encode_labelled(tokenizer, replies, config.max_length, config.max_dropped)
    model = models.load_model(config.model, len(tokenizer), config.max_length)
    plan = make_plan(config, model, encoded.lengths, folder.root, pack=False)
    job = loop.Job(config, folder, encoded, tokenizer, texts, facts, report, started, plan)
    weights = {"desirable_weight": config.desirable_weight, "undesirable_weight": config.undesirable_weight}
    rows = [{**row, "label": replies[index].good} for row, index in zip(encoded.rows, encoded.kept, strict=True)]
    trainer = _trainer_class()(
        model=model,
        ref_model=None if config.lora_rank else models.load_model(config.model, len(tokenizer), config.max_length),
        args=KTOConfig(**loop.arguments(job), beta=config.beta, loss_type=config.loss_type, **weights),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=models.lora(config),
    )
    trainer.data_collator = Mismatched(trainer.data_collator)
    loop.refuse_sharded_lora(trainer, config)
    return loop.train(job, trainer, check)


def check(step: int, logs: dict[str, float]) -> None:
    """Before any update policy and reference agree, so that all rewards are 0.

    Raises:
        TrainingError: They do not.
    """
    rewards = [abs(logs[name]) for name in ("rewards/chosen", "rewards/rejected") if name in logs]
    if step == 1 and not all(value <= FIRST_REWARD for value in rewards):
        raise TrainingError(
            f"the first KTO rewards are up to {max(rewards):.4f}, not 0",
            hint="the reference is not the model that training starts from: save the starting model, point `model` at it",
        )


class Mismatched:
    """A collator that gives each row the completion of the row before it in its batch, which KTO's baseline is taken from.

    TRL does so when it prepares a dataset, in the dataset's order; here the order of examples is decided later.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        """The batch."""
        return self._inner([{**row, "KL_completion_ids": rows[at - 1]["completion_ids"]} for at, row in enumerate(rows)])


def _trainer_class() -> Any:
    from trl.trainer.kto_trainer import KTOTrainer

    class TokenisedKtoTrainer(KTOTrainer):  # type: ignore[misc] # TRL ships no types that mypy could follow
        """TRL's trainer on rows that are already tokenised and checked."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    return TokenisedKtoTrainer


if __name__ == "__main__":
    sys.exit(main())

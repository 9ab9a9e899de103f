"""Supervised fine-tuning on dialogues: `python -m wow_flywheel.training.sft --config f.json`.

What belongs here: what is particular to SFT. What does not: the shared loop (`loop`), the command line (`launch`, `options`).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.training.config import SftConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.launch import collect_only_new, run_command
from wow_flywheel.training.options import make_parser as _make_parser
from wow_flywheel.training.report import Reporter
from wow_flywheel.training.rows import read_dialogues


def make_parser() -> argparse.ArgumentParser:
    """The command line: `--config FILE`, and a flag for each field of `SftConfig`."""
    return _make_parser(
        SftConfig, "wow_flywheel.training.sft", "Fine-tune a model on dialogues; loss on assistant turns alone."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return run_command(SftConfig, make_parser(), argv, train)


def train(config: SftConfig, folder: RunFolder, facts: dict[str, Any], report: Reporter, started: float) -> dict[str, Any]:
    """Fine-tune.

    Args:
        config: What to do.
        folder: Where; claimed by this run.
        facts: What the record is to say of data and model.
        report: Who hears of it.
        started: Clock at the start of the command.

    Returns:
        The record of the run, as in run.json.

    Raises:
        TrainingError: Data, template or model do not fit, or the loss became NaN.
    """
    dialogues = read_dialogues(Path(config.train_file))
    held_out = read_dialogues(Path(config.eval_file)) if config.eval_file else []

    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig

    from wow_flywheel.training import loop, models
    from wow_flywheel.training.encoding import encode_dialogues
    from wow_flywheel.training.plan import make_plan
    from wow_flywheel.training.sft_trainer import trainer_class

    collect_only_new()
    texts = [message["content"] for dialogue in dialogues[:8] for message in dialogue]
    tokenizer = models.load_tokenizer(config.model, texts)
    encoded = encode_dialogues(tokenizer, dialogues, config.max_length, config.max_dropped)
    held = encode_dialogues(tokenizer, held_out, config.max_length, config.max_dropped).rows if held_out else []
    model = models.load_model(config.model, len(tokenizer), config.max_length)
    plan = make_plan(config, model, encoded.lengths, folder.root)
    job = loop.Job(config, folder, encoded, tokenizer, texts, facts, report, started, plan)
    skip = {"dataset_kwargs": {"skip_prepare_dataset": True}}
    trainer = trainer_class(len(tokenizer), packed=plan.packed)(
        model=model,
        args=SFTConfig(**loop.arguments(job), **measuring(config), **skip),
        train_dataset=Dataset.from_list(encoded.rows),
        eval_dataset=Dataset.from_list(held) if held else None,
        processing_class=tokenizer,
        peft_config=models.lora(config),
        callbacks=stop_early(config),
    )
    loop.refuse_sharded_lora(trainer, config)
    return loop.train(job, trainer)


def measuring(config: SftConfig) -> dict[str, Any]:
    """When the held-out loss is measured, and whether the best weights are kept."""
    if not (config.eval_file and config.eval_steps):
        return {}
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
    return {"eval_strategy": "steps", "eval_steps": config.eval_steps} | (best if config.patience else {})


def stop_early(config: SftConfig) -> list[Any]:
    """transformers' early stopping, whose count of fruitless measurements is part of a checkpoint."""
    if not config.patience:
        return []
    from transformers import EarlyStoppingCallback

    return [EarlyStoppingCallback(early_stopping_patience=config.patience)]


if __name__ == "__main__":
    sys.exit(main())

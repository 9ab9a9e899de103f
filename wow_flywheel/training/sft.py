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
    from wow_flywheel.training.small_vocabulary import trainer_class

    collect_only_new()
    texts = [message["content"] for dialogue in dialogues[:8] for message in dialogue]
    tokenizer = models.load_tokenizer(config.model, texts)
    encoded = encode_dialogues(tokenizer, dialogues, config.max_length, config.max_dropped)
    held = encode_dialogues(tokenizer, held_out, config.max_length, config.max_dropped).rows if held_out else []
    model = models.load_model(config.model, len(tokenizer), config.max_length)
    job = loop.Job(config, folder, encoded, tokenizer, texts, facts, report, started)
    bf16 = models.autocast_bf16(config, model)
    trainer = trainer_class(len(tokenizer))(
        model=model,
        args=SFTConfig(**loop.arguments(job, bf16=bf16), dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=Dataset.from_list(encoded.rows),
        eval_dataset=Dataset.from_list(held) if held else None,
        processing_class=tokenizer,
        peft_config=models.lora(config),
    )
    loop.refuse_sharded_lora(trainer, config)
    return loop.train(job, trainer, lambda _logs: None)


if __name__ == "__main__":
    sys.exit(main())

"""Direct preference optimisation on pairs: `python -m wow_flywheel.training.dpo --config f.json`.

What belongs here: what is particular to DPO, above all that the reference is the starting model. What does not: the shared loop
(`loop`), the command line (`launch`, `options`).
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import DpoConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.launch import collect_only_new, run_command
from wow_flywheel.training.options import make_parser as _make_parser
from wow_flywheel.training.report import Reporter
from wow_flywheel.training.rows import read_pairs

LN2_TOLERANCE = 0.02
"""How far the first loss may be from ln 2, and the first rewards from 0: rounding of bf16, not another reference."""


def make_parser() -> argparse.ArgumentParser:
    """The command line: `--config FILE`, and a flag for each field of `DpoConfig`."""
    return _make_parser(DpoConfig, "wow_flywheel.training.dpo", "Tune a model to prefer chosen over rejected answers.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return run_command(DpoConfig, make_parser(), argv, train)


def train(config: DpoConfig, folder: RunFolder, facts: dict[str, Any], report: Reporter, started: float) -> dict[str, Any]:
    """Tune on preferences.

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
    pairs = read_pairs(Path(config.pairs))

    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig

    from wow_flywheel.training import loop, models
    from wow_flywheel.training.encoding import encode_pairs

    collect_only_new()
    texts = [pair.chosen for pair in pairs[:32]]
    tokenizer = models.load_tokenizer(config.model, texts)
    encoded = encode_pairs(tokenizer, pairs, config.max_length, config.max_dropped)
    model = models.load_model(config.model, len(tokenizer), config.max_length)
    job = loop.Job(config, folder, encoded, tokenizer, texts, facts, report, started)
    once = precompute_pays(job.steps(loop.processes()) * job.group(loop.processes()), len(encoded.rows), loop.processes())
    reference = None if once or config.lora_rank else models.load_model(config.model, len(tokenizer), config.max_length)
    bf16 = models.autocast_bf16(config, model)
    trainer = _trainer_class()(
        model=model,
        ref_model=reference,
        args=DPOConfig(**loop.arguments(job, bf16=bf16), **loss_arguments(config), precompute_ref_log_probs=once),
        train_dataset=Dataset.from_list(encoded.rows),
        processing_class=tokenizer,
        peft_config=models.lora(config),
    )
    loop.refuse_sharded_lora(trainer, config)
    return loop.train(job, trainer, check_reference(config))


def precompute_pays(examples_seen: int, pairs: int, processes: int) -> bool:
    """Whether to score all pairs once with the starting model before training.

    It costs no more than scoring them as they come when every pair is seen at least once, and spares the second model. Over
    several processes TRL's cache of the scores is not shared, so a reference model is kept instead.
    """
    return processes == 1 and examples_seen >= pairs


def loss_arguments(config: DpoConfig) -> dict[str, Any]:
    """The loss as TRL takes it: the preference loss, and TRL's `sft` term on the chosen answer where it has a weight."""
    if not config.sft_weight:
        return {"beta": config.beta, "loss_type": [config.loss_type]}
    return {"beta": config.beta, "loss_type": [config.loss_type, "sft"], "loss_weights": [1.0, config.sft_weight]}


def check_reference(config: DpoConfig) -> Callable[[dict[str, float]], None]:
    """A check of the first step: before any update policy and reference agree, so rewards are 0 and the DPO loss is ln 2."""

    def check(logs: dict[str, float]) -> None:
        rewards = [abs(logs["rewards/chosen"]), abs(logs["rewards/rejected"])]
        plain = config.loss_type == "sigmoid" and not config.sft_weight
        off = abs(logs["loss"] - math.log(2)) if plain else 0.0
        if not all(value <= LN2_TOLERANCE for value in (*rewards, off)):  # NaN is not
            raise TrainingError(
                f"the first DPO loss is {logs['loss']:.4f} with rewards up to {max(rewards):.4f}, not ln 2 with rewards of 0",
                hint="the reference is not the model that training starts from: save the starting model, point `model` at it",
            )

    return check


def _trainer_class() -> Any:
    from trl.trainer.dpo_trainer import DPOTrainer

    class TokenisedDPOTrainer(DPOTrainer):  # type: ignore[misc] # TRL ships no types that mypy could follow
        """TRL's trainer on rows that are already tokenised and checked."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    return TokenisedDPOTrainer


if __name__ == "__main__":
    sys.exit(main())

"""Direct preference optimisation on pairs: `python -m wow_flywheel.training.dpo --config f.json`.

What belongs here: what is particular to DPO, above all that the reference is the starting model. What does not: the shared loop
(`loop`), the command line (`launch`, `options`).
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import DpoConfig
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.issues import issue_of, of_types, weights_of
from wow_flywheel.training.launch import collect_only_new, run_command
from wow_flywheel.training.options import make_parser as _make_parser
from wow_flywheel.training.preference_trainer import ISSUE, Preferences, trainer_class
from wow_flywheel.training.reference import ReferenceScores
from wow_flywheel.training.report import Reporter
from wow_flywheel.training.rows import read_pairs

if TYPE_CHECKING:
    from wow_flywheel.training.loop import Job

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
    pairs = of_types(read_pairs(Path(config.pairs)), config.issue_types)

    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig

    from wow_flywheel.training import loop, models
    from wow_flywheel.training.encoding import encode_pairs
    from wow_flywheel.training.plan import make_plan

    collect_only_new()
    texts = [pair.chosen for pair in pairs[:32]]
    tokenizer = models.load_tokenizer(config.model, texts)
    encoded = encode_pairs(tokenizer, pairs, config.max_length, config.max_dropped)
    kept = [pairs[index] for index in encoded.kept]
    model = models.load_model(config.model, len(tokenizer), config.max_length)
    plan = make_plan(config, model, encoded.lengths, folder.root)
    weights = weights_of(kept, config.issue_weights)
    job = loop.Job(config, folder, encoded, tokenizer, texts, facts, report, started, plan, weights)
    names = sorted({issue_of(pair) for pair in kept})
    rows = [{**row, ISSUE: names.index(issue_of(pair))} for row, pair in zip(encoded.rows, kept, strict=True)]
    trainer = trainer_class(preferences(job, config, names))(
        model=model,
        ref_model=models.load_model(config.model, len(tokenizer), config.max_length) if loop.sharded() else None,
        args=DPOConfig(**loop.arguments(job), **loss_arguments(config), precompute_ref_log_probs=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=models.lora(config),
    )
    loop.refuse_sharded_lora(trainer, config)
    return loop.train(job, trainer, check(config))


def preferences(job: "Job", config: DpoConfig, issues: Sequence[str]) -> Preferences:
    """What the trainer is told beside TRL's arguments."""
    from wow_flywheel.training import loop

    folder = Path(config.reference_cache) if config.reference_cache else job.folder.root / "reference"
    reference = ReferenceScores.at(folder, job.facts["model_sha256"], bf16=job.plan.bf16)
    return Preferences(issues, job.order(loop.processes()), reference, job.plan.packed)


def loss_arguments(config: DpoConfig) -> dict[str, Any]:
    """The loss as TRL takes it: the preference loss, and TRL's `sft` term on the chosen answer where it has a weight."""
    if not config.sft_weight:
        return {"beta": config.beta, "loss_type": [config.loss_type]}
    return {"beta": config.beta, "loss_type": [config.loss_type, "sft"], "loss_weights": [1.0, config.sft_weight]}


def check(config: DpoConfig) -> Callable[[int, dict[str, float]], None]:
    """What logs must show: at first, that the reference is the starting model; always, that chosen answers stay likely."""

    def judge(step: int, logs: dict[str, float]) -> None:
        if step == 1:
            check_reference(config, logs)
        check_chosen(config, step, logs.get("logps/chosen_drop", 0.0))

    return judge


def check_reference(config: DpoConfig, logs: dict[str, float]) -> None:
    """Before any update policy and reference agree, so rewards are 0 and the DPO loss is ln 2.

    Raises:
        TrainingError: They do not.
    """
    rewards = [abs(logs["rewards/chosen"]), abs(logs["rewards/rejected"])]
    plain = config.loss_type == "sigmoid" and not config.sft_weight
    off = abs(logs["loss"] - math.log(2)) if plain else 0.0
    if not all(value <= LN2_TOLERANCE for value in (*rewards, off)):  # NaN is not
        raise TrainingError(
            f"the first DPO loss is {logs['loss']:.4f} with rewards up to {max(rewards):.4f}, not ln 2 with rewards of 0",
            hint="the reference is not the model that training starts from: save the starting model, point `model` at it",
        )


def check_chosen(config: DpoConfig, step: int, drop: float) -> None:
    """DPO widens the margin also by making both answers unlikely, the rejected more so; then the model says something else.

    Args:
        config: It sets the limit.
        step: For the message.
        drop: Nats per token by which the chosen answers became less likely than under the reference, since the last log.

    Raises:
        TrainingError: The drop is over the limit.
    """
    if config.max_chosen_drop and drop > config.max_chosen_drop:
        raise TrainingError(
            f"step {step}: the chosen answers have become {drop:.2f} nats per token less likely than under the reference, over "
            f"max_chosen_drop={config.max_chosen_drop:g}",
            hint="lower learning_rate or epochs, raise beta, or add the chosen answers' own loss with sft_weight",
        )


if __name__ == "__main__":
    sys.exit(main())

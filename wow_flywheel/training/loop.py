"""The part that all trainers share: from encoded rows to a published model, resumable at any moment.

What belongs here: arguments of transformers' Trainer, resuming, the record of a run. What does not: losses (`sft`, `dpo`).
"""

import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import models
from wow_flywheel.training.callbacks import Check, LossLog, callback, nothing_to_check
from wow_flywheel.training.config import TrainConfig
from wow_flywheel.training.encoding import Encoded
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.order import steps_of, training_order
from wow_flywheel.training.plan import KEPT_CHECKPOINTS, Plan
from wow_flywheel.training.provenance import git_commit, library_versions
from wow_flywheel.training.report import Reporter
from wow_flywheel.training.utilisation import Arithmetic, sequences, utilisation


@dataclass(frozen=True, slots=True)
class Job:
    """One run, ready to start.

    Attributes:
        config: What to do.
        folder: Where.
        encoded: The training examples.
        tokenizer: The tokenizer they were encoded with.
        texts: Samples to prove the saved tokenizer with.
        facts: What the record says beside the loop's own measurements.
        report: Who hears of it.
        started: Clock at the start of the command, seconds since the epoch.
        plan: How the examples go through the model.
        weights: How often each example is seen in an epoch; None: once.
        prepared: Clock when all was ready but the trainer, seconds since the epoch.
    """

    config: TrainConfig
    folder: RunFolder
    encoded: Encoded
    tokenizer: Any
    texts: Sequence[str]
    facts: dict[str, Any]
    report: Reporter
    started: float
    plan: Plan
    weights: Sequence[float] | None = None
    prepared: float = field(default_factory=time.time)

    def group(self, processes: int) -> int:
        """Examples in one optimizer step."""
        return self.config.batch_size * self.config.gradient_accumulation * processes

    def steps(self, processes: int) -> int:
        """Optimizer steps of the run."""
        return steps_of(self.epoch(), self.group(processes), self.config.epochs, self.config.max_steps)

    def epoch(self) -> float:
        """Examples in an epoch."""
        return sum(self.weights) if self.weights else len(self.encoded.rows)

    def order(self, processes: int) -> list[int]:
        """Which row comes when."""
        steps = self.steps(processes)
        return training_order(self.encoded.lengths, self.group(processes), steps, self.config.seed, self.weights)


def processes() -> int:
    """Processes that train together: 1 unless `accelerate launch` started several."""
    from accelerate import PartialState

    return int(PartialState().num_processes)


def sharded() -> bool:
    """Whether `accelerate launch` asked for FSDP; the trainer knows only once it is made."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false") == "true"


def arguments(job: Job) -> dict[str, Any]:
    """Arguments of TRL's configs that all trainers share.

    The examples come already tokenised, ordered and short enough, so every option of TRL that would cut or reorder is off.
    """
    import torch

    config, plan, gpu = job.config, job.plan, torch.cuda.is_available()
    return {
        "output_dir": str(job.folder.checkpoints),
        "max_steps": job.steps(processes()),
        "per_device_train_batch_size": plan.micro_batch,
        "per_device_eval_batch_size": plan.micro_batch,
        "gradient_accumulation_steps": config.batch_size * config.gradient_accumulation // plan.micro_batch,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.scheduler,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "logging_steps": config.logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if config.save_steps else "no",
        "save_steps": config.save_steps or 1,
        "save_total_limit": KEPT_CHECKPOINTS,
        "seed": config.seed,
        "bf16": plan.bf16,
        "activation_checkpointing": plan.checkpointing,
        "use_cpu": not gpu,
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": gpu,
        "train_sampling_strategy": "sequential",
        "remove_unused_columns": False,
        "max_length": None,
        "report_to": config.report_to,
        "run_name": Path(config.output_dir).absolute().name,
        "disable_tqdm": True,
    }


def train(job: Job, trainer: Any, check: Check = nothing_to_check) -> dict[str, Any]:
    """Train, resuming where a killed run left off, and publish the model.

    Args:
        job: The run.
        trainer: A TRL trainer whose dataset holds each example once, in the order of `job.encoded`.
        check: Judges the logs of a step.

    Returns:
        The record of the run, as in run.json.

    Raises:
        TrainingError: The loss became NaN, or the saved model would not load as it was trained.
    """
    from transformers import PrinterCallback

    state = trainer.accelerator
    order = job.order(state.num_processes)
    trainer.train_dataset = trainer.train_dataset.select(order)
    checkpoint = _resume(job, state)
    log = _loss_log(job, order, job.group(state.num_processes), check, main=state.is_main_process)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(callback(log))
    arithmetic = Arithmetic.of(trainer.model)  # before weights are sharded
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained = time.time()
    evaluation = trainer.evaluate() if trainer.eval_dataset is not None else {}
    weights = state.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    record = {}
    if state.is_main_process:
        done, group = trainer.state.global_step, job.group(state.num_processes)
        record = _record(job, log, checkpoint, done) | {
            "eval_loss": evaluation.get("eval_loss"),
            "device": _device(state),
            "training_seconds": round(trained - job.prepared, 2),
            **_arithmetic(job, arithmetic, order[_step_of(checkpoint) * group : done * group], trained, state),
        }
        model = state.unwrap_model(trainer.model)
        job.folder.publish(lambda folder: models.save(model, weights, job.tokenizer, job.texts, folder), record)
    state.wait_for_everyone()
    return record


def refuse_sharded_lora(trainer: Any, config: TrainConfig) -> None:
    """Merging adapters into sharded weights is not supported.

    Raises:
        TrainingError: LoRA was asked for under FSDP.
    """
    if config.lora_rank and trainer.is_fsdp_enabled:
        raise TrainingError("LoRA under FSDP cannot be merged into one model", hint="use the DDP config, or lora_rank=0")


def _resume(job: Job, state: Any) -> Path | None:
    """The checkpoint to go on from, after clearing away what a kill left."""
    if state.is_main_process:
        job.folder.discard_partial()
    state.wait_for_everyone()
    checkpoint = job.folder.latest_checkpoint()
    step = _step_of(checkpoint)
    state.wait_for_everyone()
    if state.is_main_process:
        job.folder.write_record({**job.facts, "started_at": _time(job.started), "ended_at": None})
        job.folder.rewind_losses(step)
    job.report.log(f"resuming from step {step}" if checkpoint else f"training on {len(job.encoded.rows)} examples")
    return checkpoint


def _step_of(checkpoint: Path | None) -> int:
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def _loss_log(job: Job, order: Sequence[int], group: int, check: Check, *, main: bool) -> LossLog:
    seen = [0, *accumulate(job.encoded.lengths[index] for index in order)]
    return LossLog(job.folder, job.report, seen[::group], group / job.epoch(), check, main)


def _record(job: Job, log: LossLog, checkpoint: Path | None, steps: int) -> dict[str, Any]:
    losses = [row for row in job.folder.losses() if "loss" in row]
    seconds = time.time() - job.started
    return {
        **job.facts,
        "config": dataclasses.asdict(job.config),
        "model_path": str(job.folder.model),
        "git_commit": git_commit(),
        "versions": library_versions(),
        "started_at": _time(job.started),
        "ended_at": _time(time.time()),
        "seconds": round(seconds, 2),
        "resumed_from": checkpoint.name if checkpoint else None,
        "examples": len(job.encoded.rows),
        "dropped": job.encoded.dropped,
        "plan": dataclasses.asdict(job.plan),
        "steps": steps,
        "tokens": log.tokens[steps],
        "tokens_per_second": losses[-1]["tokens_per_second"],
        "first_loss": losses[0]["loss"],
        "final_loss": losses[-1]["loss"],
    }


def _arithmetic(job: Job, of: Arithmetic, seen: Sequence[int], until: float, state: Any) -> dict[str, Any]:
    """What was computed since this process began, by the clock that the record's `training_seconds` go by."""
    flops = of.of_training(length for index in seen for length in sequences(job.encoded.rows[index]))
    seconds = until - job.prepared
    return {
        "model_flops": flops,
        "model_flops_per_second": round(flops / seconds),
        "model_flops_utilisation": utilisation(flops, seconds, state.num_processes, _device_name(state)),
    }


def _device(state: Any) -> str:
    return f"{state.num_processes} × {_device_name(state)}"


def _device_name(state: Any) -> str:
    import torch

    if state.device.type == "cuda":
        return str(torch.cuda.get_device_name(0))
    return f"CPU, {torch.get_num_threads()} threads"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

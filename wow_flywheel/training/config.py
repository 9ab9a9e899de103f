"""What a training run may be told: one frozen dataclass a trainer, each field with its range, default and source.

What belongs here: fields, ranges, checks that need no other file. What does not: reading them from files or flags (`options`).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.fields import check, checked, option

SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")
PRECISIONS = ("auto", "fp32", "bf16")
LOSS_TYPES = ("sigmoid", "ipo", "hinge", "sigmoid_norm", "apo_zero", "apo_down")
BY_NEED = ("auto", "always", "never")
TRACKERS = ("none", "mlflow", "trackio", "tensorboard", "wandb")
UNHASHED = frozenset({"output_dir", "overwrite", "report_to", "reference_cache", "memory_gb"})
"""Fields that say where things go or how much room there is, and do not decide what comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What every trainer is told.

    Raises:
        TrainingError: A value is outside its range; the message names the field.
    """

    model: str = option("local folder or hub id of the model to start from")
    output_dir: str = option("folder of the run: model/, run.json, loss.jsonl, checkpoints/")
    epochs: float = option("passes over the data, > 0; unused when max_steps is set", 1.0, low=1e-6)
    max_steps: int = option("optimizer steps; 0 means: as many as `epochs` needs", 0, low=0)
    learning_rate: float = option(
        "peak learning rate of AdamW, > 0 (2e-5: TRL's SFT default, right for 0.1–10 B parameters)", 2e-5, low=1e-12
    )
    batch_size: int = option("examples a step on each device, ≥ 1", 8, low=1)
    gradient_accumulation: int = option("batches added up before one optimizer step, ≥ 1", 1, low=1)
    max_length: int = option("longest sequence in tokens, ≥ 8; longer examples are dropped and counted, never cut", 1024, low=8)
    max_dropped: float = option(
        "share of examples that may be dropped as too long, 0–1; above it the run is refused", 0.1, low=0, high=1
    )
    seed: int = option("seed of the order of examples, of dropout and of LoRA's initial weights", 0, low=0)
    lora_rank: int = option(
        "rank of LoRA adapters on all linear layers (alpha = 2 × rank), merged at the end; 0 trains all weights", 0, low=0
    )
    warmup: float = option(
        "warm-up: a share of all steps if < 1, else a number of steps (transformers' `warmup_steps`)", 0.03, low=0
    )
    scheduler: str = option("shape of the learning rate after warm-up", "cosine", choices=SCHEDULERS)
    weight_decay: float = option("AdamW's decoupled weight decay, 0–1", 0.0, low=0, high=1)
    precision: str = option(
        "auto: bf16 autocast on a GPU and, above 50 M parameters, on a CPU that multiplies bf16; else fp32",
        "auto",
        choices=PRECISIONS,
    )
    packing: str = option(
        "compute batches without padding, and a pair's prompt once; auto: above 50 M parameters, where the attention allows it",
        "auto",
        choices=BY_NEED,
    )
    gradient_checkpointing: str = option(
        "recompute activations: about a third slower, much less memory; auto: if they are estimated not to fit otherwise",
        "auto",
        choices=BY_NEED,
    )
    memory_gb: float = option(
        "memory of one device that the estimate may count on, GB; 0: what is free at the start", 0.0, low=0
    )
    report_to: str = option(
        "where else metrics go; its package must be installed, its own variables say where", "none", choices=TRACKERS
    )
    save_steps: int = option("steps between checkpoints, a multiple of logging_steps; 0 writes none", 100, low=0)
    logging_steps: int = option("steps between rows of loss.jsonl, ≥ 1", 10, low=1)
    overwrite: bool = option("replace a run of another config in output_dir instead of refusing", False)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check(field, getattr(self, field.name))
        if self.save_steps % self.logging_steps:
            raise TrainingError(
                f"save_steps={self.save_steps} is not a multiple of logging_steps={self.logging_steps}",
                hint="a resumed run logs the same averages only then: choose a multiple",
            )

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> Self:
        """Build from plain values.

        Raises:
            TrainingError: A field is unknown, missing, of the wrong type or out of range.
        """
        return cls(**checked(cls, values))

    def data_files(self) -> dict[str, str]:
        """Path of each data file by the name of its field."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class SftConfig(TrainConfig):
    """What `sft` is told. Loss is taken on assistant turns alone."""

    train_file: str = option('JSONL of {"messages": [{"role", "content"}, …]}, roles system, user, assistant, tool')
    eval_file: str = option("JSONL like train_file, whose loss is measured at the end; empty: none", "")
    eval_steps: int = option("also measure it every so many steps; 0: at the end alone", 0, low=0)
    patience: int = option(
        "end after so many measurements without a better one, and keep the weights of the best; 0: never end early", 0, low=0
    )

    def __post_init__(self) -> None:
        TrainConfig.__post_init__(self)  # slots make a new class, which zero-argument super() does not know
        if self.patience and not (self.eval_file and self.eval_steps):
            raise TrainingError("patience needs eval_file and eval_steps", hint="say what is measured, and how often")
        if self.patience and (not self.save_steps or self.save_steps % self.eval_steps):
            raise TrainingError(
                f"save_steps={self.save_steps} is not a multiple of eval_steps={self.eval_steps}",
                hint="the best weights are those of a checkpoint: choose save_steps = eval_steps, or a multiple",
            )

    def data_files(self) -> dict[str, str]:
        """Path of each data file by the name of its field."""
        return {"train_file": self.train_file} | ({"eval_file": self.eval_file} if self.eval_file else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoConfig(TrainConfig):
    """What `dpo` is told. The reference is always the model that the run starts from."""

    pairs: str = option('JSONL of {"prompt": [messages], "chosen": [one assistant message], "rejected": [the same]}')
    learning_rate: float = option(
        "peak learning rate of AdamW, > 0 (1e-6: TRL's DPO default, right for 0.1–10 B parameters)", 1e-6, low=1e-12
    )
    beta: float = option("strength of the pull to the reference, > 0 (0.1: the DPO paper, arXiv 2305.18290)", 0.1, low=1e-6)
    loss_type: str = option("preference loss (sigmoid: the DPO paper's)", "sigmoid", choices=LOSS_TYPES)
    sft_weight: float = option(
        "weight of the NLL of the chosen answer added to the loss (RPO, arXiv 2404.19733); 0: none", 0.0, low=0
    )

    issue_types: str = option("only pairs of these issue types, separated by commas; empty: all", "")
    issue_weights: str = option(
        "how often pairs of an issue type are seen in an epoch, as type=weight, separated by commas; others once", ""
    )
    max_chosen_drop: float = option(
        "stop when the chosen answers have become less likely than under the reference by this much, nats per token; 0: never. "
        "DPO may lower both answers (arXiv 2402.13228); 2 is far beyond what a healthy run shows",
        2.0,
        low=0,
    )
    reference_cache: str = option(
        "folder where the reference's log-probabilities are kept, for runs on the same model; empty: in output_dir", ""
    )

    def data_files(self) -> dict[str, str]:
        """Path of each data file by the name of its field."""
        return {"pairs": self.pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class KtoConfig(TrainConfig):
    """What `kto` is told. The reference is always the model that the run starts from."""

    replies: str = option('JSONL of {"prompt": [messages], "completion": [one assistant message], "label": true or false}')
    learning_rate: float = option("peak learning rate of AdamW, > 0 (1e-6: TRL's KTO default)", 1e-6, low=1e-12)
    batch_size: int = option("examples a step on each device, ≥ 2: each is compared with another of its batch", 8, low=2)
    beta: float = option("strength of the pull to the reference, > 0 (0.1: the KTO paper, arXiv 2402.01306)", 0.1, low=1e-6)
    loss_type: str = option("loss (kto: the paper's)", "kto", choices=("kto", "apo_zero_unpaired"))
    desirable_weight: float = option("weight of good replies, ≥ 0; the paper asks for good × weight ≈ bad × weight", 1.0, low=0)
    undesirable_weight: float = option("weight of bad replies, ≥ 0", 1.0, low=0)

    def data_files(self) -> dict[str, str]:
        """Path of each data file by the name of its field."""
        return {"replies": self.replies}

"""What a training run may be told: one frozen dataclass a trainer, each field with its range, default and source.

What belongs here: fields, ranges, checks that need no other file. What does not: reading them from files or flags (`options`).
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, Self

from wow_flywheel.errors import TrainingError

SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")
PRECISIONS = ("auto", "fp32", "bf16")
LOSS_TYPES = ("sigmoid", "ipo", "hinge", "sigmoid_norm")


def option(
    text: str,
    default: Any = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A config field.

    Args:
        text: What it means and where the default comes from; shown by `--help`.
        default: Its default; none makes the field required.
        low: The least value allowed.
        high: The greatest value allowed.
        choices: The values allowed.
    """
    return dataclasses.field(default=default, metadata={"help": text, "low": low, "high": high, "choices": choices})


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
        "auto: bf16 autocast on a GPU and, above 50 M parameters, on a CPU; else fp32", "auto", choices=PRECISIONS
    )
    gradient_checkpointing: bool = option("recompute activations: about a fifth slower, much less memory", False)
    save_steps: int = option("steps between checkpoints, a multiple of logging_steps; 0 writes none", 100, low=0)
    logging_steps: int = option("steps between rows of loss.jsonl, ≥ 1", 10, low=1)
    overwrite: bool = option("replace a run of another config in output_dir instead of refusing", False)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
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

    def data_files(self) -> dict[str, str]:
        """Path of each data file by the name of its field."""
        return {"pairs": self.pairs}


def checked(config: type[TrainConfig], values: dict[str, Any]) -> dict[str, Any]:
    """The values, each of its field's type (an int may stand for a float).

    Raises:
        TrainingError: A field is unknown (with the closest name), missing, or of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    for name in values:
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            raise TrainingError(
                f"{config.__name__} has no field {name!r}",
                hint=f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(fields)}",
            )
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in values:
            raise TrainingError(f"{config.__name__} needs {name}", hint=field.metadata["help"])
    return {name: _typed(fields[name], value) for name, value in values.items()}


def _typed(field: "dataclasses.Field[Any]", value: Any) -> Any:
    if field.type is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not field.type:
        expected = getattr(field.type, "__name__", field.type)
        raise TrainingError(f"{field.name}={value!r} is not of type {expected}", hint=field.metadata["help"])
    return value


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if choices and value not in choices:
        raise TrainingError(f"{field.name}={value!r} is not one of {', '.join(choices)}", hint=field.metadata["help"])
    if (
        (low is not None and value < low)
        or (high is not None and value > high)
        or (isinstance(value, float) and math.isnan(value))
    ):
        raise TrainingError(f"{field.name}={value!r} is out of range", hint=field.metadata["help"])
    if field.default is dataclasses.MISSING and not value:
        raise TrainingError(f"{field.name} is empty", hint=field.metadata["help"])

"""How a cycle trains and evaluates: the one place for hyper-parameters.

What belongs here: values, and where they come from. What does not: what they mean (`wow_flywheel.training.config`). A real
model keeps the trainers' defaults, which fit 0.1–10 B parameters; the closed world's is smaller and needs steeper ones.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from wow_flywheel.settings import Settings

SFT: Final[dict[str, Any]] = {}
DPO: Final[dict[str, Any]] = {}
EMBEDDED_SFT: Final[dict[str, Any]] = {"learning_rate": 1e-3, "epochs": 6.0, "batch_size": 16, "max_length": 512}
EMBEDDED_DPO: Final[dict[str, Any]] = {
    "learning_rate": 1e-4,
    "epochs": 3.0,
    "batch_size": 32,
    "max_length": 512,
    "beta": 0.1,
    "sft_weight": 1.0,
}
EPISODES: Final = 400
"""Episodes, or held-out dialogues, that each model is evaluated on."""


@dataclass(frozen=True, slots=True)
class FirstModel:
    """How the closed world's untrained model becomes the first production model, from imperfect human-style dialogues."""

    epochs: float = 9.0
    learning_rate: float = 0.006
    batch_size: int = 16
    max_length: int = 512
    warmup: float = 30.0
    save_steps: int = 0
    logging_steps: int = 25
    weight_decay: float = 0.01

    def config(self, folder: Path) -> dict[str, Any]:
        """The SFT config, for the folder that the closed world was founded in."""
        return asdict(self) | {
            "model": str(folder / "untrained"),
            "train_file": str(folder / "dialogues.jsonl"),
            "output_dir": str(folder / "run"),
        }


def sft_config(settings: Settings, folder: Path, model: str) -> dict[str, Any]:
    """The SFT config of a cycle.

    Args:
        settings: The embedded closed world has its own values.
        folder: The cycle's, with the dataset files.
        model: What it starts from.
    """
    values = EMBEDDED_SFT if settings.embedded else SFT
    held_out = folder / "sft.held_out.jsonl"
    evaluated = {"eval_file": str(held_out)} if held_out.is_file() and held_out.stat().st_size else {}
    files = {
        "model": model,
        "train_file": str(folder / "sft.train.jsonl"),
        "output_dir": str(folder / "sft"),
        "overwrite": True,
    }
    return {**values, **files, **evaluated}


def dpo_config(settings: Settings, folder: Path) -> dict[str, Any]:
    """The DPO config of a cycle: it starts from the cycle's SFT model, which is also its reference."""
    values = EMBEDDED_DPO if settings.embedded else DPO
    files = {"model": str(folder / "sft" / "model"), "pairs": str(folder / "preferences.train.jsonl")}
    return {**values, **files, "output_dir": str(folder / "dpo"), "overwrite": True}

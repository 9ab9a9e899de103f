"""How a cycle trains and evaluates: the one place for hyper-parameters.

What belongs here: values, and where they come from. What does not: what they mean (`wow_flywheel.training.config`). A real
model keeps the trainers' defaults, which fit 0.1–10 B parameters, changed by what `WOW_TRAINING_CONFIG` names; the closed
world's is smaller and needs steeper ones.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from wow_flywheel.datasets.files import LABELLED, VALIDATION
from wow_flywheel.errors import SettingsError, TrainingError
from wow_flywheel.settings import Settings
from wow_flywheel.training.options import read_mapping

OURS: Final = frozenset({"model", "train_file", "eval_file", "pairs", "replies", "output_dir", "overwrite"})
"""Fields that a cycle sets itself."""
EMBEDDED_SFT: Final[dict[str, Any]] = {"learning_rate": 1e-3, "epochs": 6.0, "batch_size": 16, "max_length": 512}
EMBEDDED_DPO: Final[dict[str, Any]] = {
    "learning_rate": 3e-4,
    "epochs": 4.0,
    "batch_size": 32,
    "max_length": 512,
    "beta": 0.1,
    "sft_weight": 1.0,
}
EMBEDDED_KTO: Final[dict[str, Any]] = {"learning_rate": 3e-5, "epochs": 3.0, "batch_size": 32, "max_length": 512}
"""KTO has no term that holds to what was good, as `sft_weight` does: at 1e-4 it takes back a sixth of what SFT gained."""
SECTIONS: Final = frozenset({"sft", "dpo", "kto"})


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


def own_values(settings: Settings, trainer: str) -> dict[str, Any]:
    """What the user's file changes of a trainer's defaults; the trainer itself checks the fields.

    Args:
        settings: They name the file.
        trainer: Its section.

    Raises:
        SettingsError: The file is missing, malformed, or has other sections.
    """
    if settings.training_config is None:
        return {}
    path = Path(settings.training_config)
    try:
        sections = read_mapping(path)
    except TrainingError as error:
        raise SettingsError(f"WOW_TRAINING_CONFIG: {error.message}", hint=error.hint) from error
    section = sections.get(trainer) or {}
    if not set(sections) <= SECTIONS or not isinstance(section, dict):
        raise SettingsError(
            f"WOW_TRAINING_CONFIG: {path} has other sections than sft, dpo and kto, or one that holds no fields",
            hint="write it like `sft: {max_length: 4096}`",
        )
    if own := sorted(set(section) & OURS):
        raise SettingsError(
            f"WOW_TRAINING_CONFIG: {path} sets {', '.join(own)} of {trainer}", hint="leave them out: a cycle sets them itself"
        )
    return section


def sft_config(settings: Settings, folder: Path, model: str) -> dict[str, Any]:
    """The SFT config of a cycle.

    Args:
        settings: The embedded closed world has its own values.
        folder: The cycle's, with the dataset files.
        model: What it starts from.

    Raises:
        SettingsError: It is to stop early, and there is no validation part to stop by.
    """
    values = (EMBEDDED_SFT if settings.embedded else {}) | own_values(settings, "sft")
    validation, held_out = folder / VALIDATION, folder / "sft.held_out.jsonl"
    if values.get("patience") and not validation.is_file():
        raise SettingsError(
            f"sft is to stop early (patience={values['patience']}), and the cycle kept no dialogues for validation",
            hint="set WOW_VALIDATION_SHARE, such as 0.05, and build the datasets again: the held-out set is the gate's",
        )
    measured = next((path for path in (validation, held_out) if path.is_file() and path.stat().st_size), None)
    evaluated = {"eval_file": str(measured)} if measured is not None else {}
    files = {
        "model": model,
        "train_file": str(folder / "sft.train.jsonl"),
        "output_dir": str(folder / "sft"),
        "overwrite": True,
    }
    return {**values, **files, **evaluated}


def dpo_config(settings: Settings, folder: Path) -> dict[str, Any]:
    """The DPO config of a cycle: it starts from the cycle's SFT model, which is also its reference."""
    values = (EMBEDDED_DPO if settings.embedded else {}) | own_values(settings, "dpo")
    files = {"model": str(folder / "sft" / "model"), "pairs": str(folder / "preferences.train.jsonl")}
    return {**values, **files, "output_dir": str(folder / "dpo"), "overwrite": True}


def kto_config(settings: Settings, folder: Path, replies: Mapping[str, int]) -> dict[str, Any]:
    """The KTO config of a cycle: it starts from the cycle's SFT model, which is also its reference.

    The rarer label gets the weight that makes up for its number, as the paper asks (arXiv 2402.01306, section 4.2), unless the
    user's file sets weights.

    Args:
        settings: The embedded closed world has its own values.
        folder: The cycle's, with the dataset files.
        replies: How many labelled replies are `good` and `bad`, one of each at least.
    """
    good, bad = replies["good"], replies["bad"]
    weights = {"desirable_weight": max(1.0, bad / good), "undesirable_weight": max(1.0, good / bad)}
    values = weights | (EMBEDDED_KTO if settings.embedded else {}) | own_values(settings, "kto")
    files = {"model": str(folder / "sft" / "model"), "replies": str(folder / LABELLED)}
    return {**values, **files, "output_dir": str(folder / "kto"), "overwrite": True}

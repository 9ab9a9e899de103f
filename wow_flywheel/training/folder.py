"""The folder of a run: what is done, what can be resumed, and the writes that a kill at any moment leaves readable.

    output_dir/run.json      what was run on what, and how it ended
    output_dir/loss.jsonl    one row each `logging_steps`
    output_dir/checkpoints/  the last two; one counts only with its marker, which is written after everything else in it
    output_dir/model/        the result; it appears whole, by a rename, as the last act of a run

What belongs here: names, markers, renames. What does not: what a model or a loss is (`loop`).
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.storage import sync_folder, write_atomic

MARKER = "complete"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder.

    Attributes:
        root: `output_dir`.
        identity: Hash of all that decides the result; a folder belongs to one identity.
    """

    root: Path
    identity: str

    @property
    def model(self) -> Path:
        """Where the result appears."""
        return self.root / "model"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are written."""
        return self.root / "checkpoints"

    def finished(self) -> dict[str, Any] | None:
        """The record of this very run if it has already been brought to its end."""
        record = self.record()
        return record if record and record["identity"] == self.identity and self.model.is_dir() else None

    def claim(self, *, overwrite: bool) -> None:
        """Make the folder this run's.

        Raises:
            TrainingError: It holds another run and `overwrite` is false, or it holds a model of unknown origin.
        """
        record = self.record()
        if (record and record["identity"] == self.identity) or not (record or self.model.exists()):
            return
        if not overwrite:
            raise TrainingError(
                f"{self.root} holds the run of another config, other data or another model",
                hint="choose another output_dir, or pass --overwrite to replace it",
            )
        for name in ("model", "checkpoints"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for name in ("run.json", "loss.jsonl"):
            (self.root / name).unlink(missing_ok=True)

    def record(self) -> dict[str, Any] | None:
        """What run.json says."""
        path = self.root / "run.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None

    def write_record(self, record: dict[str, Any]) -> None:
        """Replace run.json whole."""
        write_atomic(self.root / "run.json", _pretty({"identity": self.identity, **record}))

    def latest_checkpoint(self) -> Path | None:
        """The complete checkpoint with the most steps."""
        complete = [path for path in self.checkpoints.glob("checkpoint-*") if (path / MARKER).exists()]
        return max(complete, key=_step, default=None)

    def discard_partial(self) -> None:
        """Remove what a kill left half-written: checkpoints without their marker, an unpublished model."""
        for path in self.checkpoints.glob("checkpoint-*"):
            if not (path / MARKER).exists():
                shutil.rmtree(path)
        for path in self.root.glob(".model-*"):
            shutil.rmtree(path)

    def mark_complete(self, step: int) -> None:
        """Declare the checkpoint of a step complete."""
        write_atomic(self.checkpoints / f"checkpoint-{step}" / MARKER, b"")

    def losses(self) -> list[dict[str, Any]]:
        """The rows of loss.jsonl; a last line that a kill cut short is left out."""
        path = self.root / "loss.jsonl"
        lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def rewind_losses(self, step: int) -> None:
        """Keep only the rows up to a step, so that a resumed run writes the later ones once."""
        rows = [row for row in self.losses() if row["step"] <= step]
        write_atomic(self.root / "loss.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())

    def append_loss(self, row: dict[str, Any]) -> None:
        """Add a row to loss.jsonl."""
        with (self.root / "loss.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def publish(self, save: Callable[[Path], None], record: dict[str, Any]) -> None:
        """Write the model aside, then run.json, then move the model into place and drop the checkpoints.

        Args:
            save: Writes the model's files into the folder that it is given.
            record: What run.json and the copy of it inside the model folder are to say.
        """
        aside = self.root / f".model-{self.identity[:12]}"
        aside.mkdir(parents=True)
        save(aside)
        write_atomic(aside / "training.json", _pretty({"identity": self.identity, **record}))
        self.write_record(record)
        aside.rename(self.model)
        sync_folder(self.root)
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _pretty(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()

"""Log-probabilities of pairs under the reference, kept on disk: they depend on the starting model and the pair alone.

What belongs here: the cache. What does not: computing what it lacks (`preference_trainer`). A run that resumes, or that tries
another β, loss or issue type on the same model, reads instead of scoring.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wow_flywheel.errors import TrainingError
from wow_flywheel.storage import write_atomic

Row = Mapping[str, Sequence[int]]
Scores = tuple[float, float]


@dataclass(slots=True)
class ReferenceScores:
    """The cache of one model.

    Attributes:
        path: Its file; one JSON object.
        scores: (chosen, rejected) in nats by the pair's key.
    """

    path: Path
    scores: dict[str, Scores] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, model: str, *, bf16: bool) -> "ReferenceScores":
        """The cache in a folder.

        Args:
            folder: Where caches are kept.
            model: The starting model's fingerprint.
            bf16: The computing precision; scores of another one would not start at ln 2.

        Raises:
            TrainingError: The file is no such cache.
        """
        name = hashlib.sha256(model.encode()).hexdigest()[:16]
        path = folder / f"reference-{name}-{'bf16' if bf16 else 'fp32'}.json"
        try:
            found = json.loads(path.read_text("utf-8")) if path.exists() else {}
            return cls(path, {key: (float(chosen), float(rejected)) for key, (chosen, rejected) in found.items()})
        except (ValueError, AttributeError, TypeError) as error:
            raise TrainingError(f"{path} is no cache of reference scores", hint="remove it: it is computed again") from error

    def missing(self, rows: Sequence[Row]) -> list[int]:
        """Indices of the rows that have no scores yet, each pair once."""
        first: dict[str, int] = {}
        for index, row in enumerate(rows):
            first.setdefault(key_of(row), index)
        return [index for key, index in first.items() if key not in self.scores]

    def add(self, rows: Sequence[Row], scores: Sequence[Scores]) -> None:
        """Take scores in; `save` keeps them."""
        self.scores |= {key_of(row): pair for row, pair in zip(rows, scores, strict=True)}

    def save(self) -> None:
        """Write the file, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, json.dumps(self.scores, sort_keys=True).encode())

    def of(self, row: Row) -> Scores:
        """A row's scores; NaN where it has none, which the loss would show at once."""
        return self.scores.get(key_of(row), (float("nan"), float("nan")))


def key_of(row: Row) -> str:
    """A pair's key: the hash of its token ids."""
    ids = [list(row[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids")]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:32]

"""TRL's `DPOTrainer` on pairs that are already tokenised: packed, with kept reference scores, and told apart by issue type.

What belongs here: what is changed of TRL's trainer. What does not: its losses (TRL), settings and checks (`dpo`), packing
(`packed`), the cache (`reference`), the statistics (`issues`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.training.issues import IssueStatistics, issue_logs
from wow_flywheel.training.packed import Packed, Recorded
from wow_flywheel.training.reference import ReferenceScores

ISSUE = "issue"
"""Column of a pair's index into the issue types."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the trainer is told beside TRL's arguments.

    Attributes:
        issues: Names of the issue types that the rows' `issue` column counts.
        seen: Indices of the rows that the run will see; only they need reference scores.
        reference: Where reference scores are kept.
        packed: Whether to compute batches without padding.
        statistics: Filled as the run goes on.
    """

    issues: Sequence[str]
    seen: Sequence[int]
    reference: ReferenceScores
    packed: bool
    statistics: IssueStatistics = field(default_factory=IssueStatistics)

    def wrap(self, model: Any) -> Recorded:
        """The model as the losses call it."""
        return Packed(model, pairs=True) if self.packed else Recorded(model)


class WithIssues:
    """A collator that hands on the rows' issue types, which TRL's own leaves out."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The batch."""
        import torch

        return {**self._inner(rows), ISSUE: torch.tensor([row[ISSUE] for row in rows])}


def trainer_class(preferences: Preferences) -> type[Any]:
    """The trainer of a run; TRL scores the reference inside its constructor, so what it needs for that comes first."""
    from trl.trainer.dpo_trainer import DPOTrainer

    class PreferenceTrainer(DPOTrainer):  # type: ignore[misc] # TRL ships no types that mypy could follow
        """See the module."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, dataset: Any, _name: str, batch_size: int) -> Any:
            self.data_collator: Any = WithIssues(self.data_collator)
            rows = list(dataset)
            wanted = [rows[index] for index in dict.fromkeys(preferences.seen)]
            lacking = sorted((wanted[i] for i in preferences.reference.missing(wanted)), key=_tokens)
            if lacking:
                preferences.reference.add(lacking, _score(self, dataset.from_list(lacking), batch_size))
                if self.accelerator.is_main_process:
                    preferences.reference.save()
                self.accelerator.wait_for_everyone()
            scores = [preferences.reference.of(row) for row in rows]
            for at, column in enumerate(("ref_chosen_logps", "ref_rejected_logps")):
                dataset = dataset.add_column(column, [pair[at] for pair in scores])
            return dataset

        def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
            inputs.pop(ISSUE)
            return super().compute_ref_log_probs(preferences.wrap(model), inputs)

        def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
            issues = inputs.pop(ISSUE)
            wrapped = preferences.wrap(model)
            loss = super()._compute_loss(wrapped, inputs, return_outputs)
            _count(preferences, wrapped.log_probs.sum(dim=1), issues, inputs, self.beta)
            return loss

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            if "loss" in logs:
                from accelerate.utils import gather_object

                logs.update(issue_logs(gather_object([preferences.statistics.take()])))
            super().log(logs, start_time)

    return PreferenceTrainer


def _score(trainer: Any, dataset: Any, batch_size: int) -> list[tuple[float, float]]:
    """(chosen, rejected) log-probabilities of each row under the reference, shared out over the processes."""
    from torch.utils.data import DataLoader

    loader = trainer.accelerator.prepare(DataLoader(dataset, batch_size=batch_size, collate_fn=trainer.data_collator))
    found: list[tuple[float, float]] = []
    for batch in loader:
        scores = trainer.compute_ref_log_probs(trainer.ref_model or trainer.model, batch)
        chosen, rejected = trainer.accelerator.gather_for_metrics(scores)
        found += zip(chosen.tolist(), rejected.tolist(), strict=True)
    return found


def _count(preferences: Preferences, scores: Any, issues: Any, inputs: dict[str, Any], beta: float) -> None:
    chosen, rejected = (part.cpu() for part in scores.float().chunk(2))
    chosen_ratio = chosen - inputs["ref_chosen_logps"].cpu()
    margins = beta * (chosen_ratio - (rejected - inputs["ref_rejected_logps"].cpu()))
    tokens = inputs["completion_mask"].chunk(2)[0].sum(dim=1).tolist()
    for issue, margin, ratio, count in zip(issues.tolist(), margins.tolist(), chosen_ratio.tolist(), tokens, strict=True):
        preferences.statistics.add(preferences.issues[issue], margin, -ratio, count)


def _tokens(row: dict[str, Any]) -> int:
    return len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])

"""The triage against what people said, on conversations and tasks that it did not learn from."""

import numpy as np
import pytest

from benchmarks.labels_agreement import evidence, random_folds, task_folds, triage
from benchmarks.labels_gold import SHARED, Gold, low_satisfaction, not_achieved
from wow_flywheel.inspection.calibration.agreement import auroc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is missing: real conversations with gold labels"),
]


def first_fold(gold: Gold, folds) -> dict[str, float]:
    """AUROC of triage and evidence on the first fold; rows whose feedback is in the log are not scored."""
    known = gold.where(lambda i: not gold.aside(i))
    train, fold = next(iter(folds(gold, known)))
    test = [i for i in fold if gold.counted[i]]
    truths = np.array([gold.truths[i] for i in test])
    return {scorer.__name__: auroc(np.array(scorer(gold, train, test)), truths) for scorer in (triage, evidence)}


def test_it_ranks_the_dissatisfied_better_than_the_evidence_alone_on_other_conversations_and_other_tasks() -> None:
    gold = low_satisfaction()
    other, unseen = first_fold(gold, random_folds), first_fold(gold, task_folds)
    assert other["triage"] > 0.77
    assert other["triage"] > other["evidence"]
    assert unseen["triage"] > 0.6


def test_it_ranks_the_unsolved_better_than_the_evidence_alone_on_other_conversations() -> None:
    found = first_fold(not_achieved(), random_folds)
    assert found["triage"] > 0.92
    assert found["triage"] > found["evidence"]

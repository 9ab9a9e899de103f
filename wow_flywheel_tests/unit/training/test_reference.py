"""The cache of reference scores."""

import math
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.reference import ReferenceScores

ROWS = [
    {"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]},
    {"prompt_ids": [1], "chosen_ids": [3], "rejected_ids": [2]},
]


def test_scores_are_kept_by_pair_for_one_model_and_precision(tmp_path: Path) -> None:
    cache = ReferenceScores.at(tmp_path / "new", "model", bf16=False)
    assert cache.missing([*ROWS, ROWS[0]]) == [0, 1], "a pair that stands twice is scored once"
    cache.add(ROWS[:1], [(-1.5, -2.5)])
    cache.save()
    again = ReferenceScores.at(tmp_path / "new", "model", bf16=False)
    assert again.of(ROWS[0]) == (-1.5, -2.5)
    assert again.missing(ROWS) == [1]
    assert all(map(math.isnan, again.of(ROWS[1])))
    assert ReferenceScores.at(tmp_path / "new", "model", bf16=True).missing(ROWS) == [0, 1]
    assert ReferenceScores.at(tmp_path / "new", "other", bf16=False).missing(ROWS) == [0, 1]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": ["x", "y"]}'])
def test_a_file_that_is_no_cache_is_named(tmp_path: Path, text: str) -> None:
    path = ReferenceScores.at(tmp_path, "model", bf16=False).path
    path.write_text(text)
    with pytest.raises(TrainingError, match="no cache of reference scores"):
        ReferenceScores.at(tmp_path, "model", bf16=False)

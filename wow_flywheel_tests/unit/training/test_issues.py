"""Issue types of pairs: filter, weights, statistics."""

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.issues import IssueStatistics, issue_logs, of_types, weights_of
from wow_flywheel.training.order import steps_of, training_order
from wow_flywheel.training.rows import Pair

PAIRS = [Pair([], "a", "b", name) for name in ("repetition", "repetition", "policy", "")]


def test_pairs_are_filtered_by_type() -> None:
    assert of_types(PAIRS, "") == PAIRS
    assert of_types(PAIRS, " policy, unnamed") == PAIRS[2:]
    with pytest.raises(TrainingError, match="no pair is of type empathy") as caught:
        of_types(PAIRS, "empathy,policy")
    assert "policy, repetition, unnamed" in str(caught.value.hint)


def test_weights_say_how_often_a_pair_is_seen() -> None:
    assert weights_of(PAIRS, "") is None
    weights = weights_of(PAIRS, "repetition=0.5, policy=3")
    assert weights == [0.5, 0.5, 3.0, 1.0]
    order = training_order([9] * 4, group=5, steps=steps_of(sum(weights), 5, 40, 0), seed=1, weights=weights)
    seen = [order.count(index) for index in range(4)]
    assert seen[2:] == pytest.approx([120, 40], abs=8)
    assert seen[:2] == pytest.approx([20, 20], abs=10)


@pytest.mark.parametrize("setting", ["repetition", "repetition=", "=2", "repetition=-1", "repetition=nan", "repetition=1e9"])
def test_a_weight_that_is_none_is_named(setting: str) -> None:
    with pytest.raises(TrainingError, match="is not type=weight"):
        weights_of(PAIRS, setting)


def test_weights_of_absent_types_and_of_nothing_are_refused() -> None:
    with pytest.raises(TrainingError, match="no pair is of type empathy"):
        weights_of(PAIRS, "empathy=2")
    with pytest.raises(TrainingError, match="leaves no pair"):
        weights_of(PAIRS[:2], "repetition=0")


def test_statistics_of_all_processes_are_means_over_pairs() -> None:
    one, other = IssueStatistics(), IssueStatistics()
    one.add("policy", margin=0.4, drop=6.0, tokens=4)
    one.add("policy", margin=-0.2, drop=0.0, tokens=2)
    other.add("policy", margin=0.1, drop=3.0, tokens=3)
    other.add("empathy", margin=1.0, drop=-3.0, tokens=3)
    logs = issue_logs([one.take(), other.take()])
    assert logs == pytest.approx({
        "rewards/margins/policy": 0.1, "rewards/accuracies/policy": 2 / 3,
        "rewards/margins/empathy": 1.0, "rewards/accuracies/empathy": 1.0,
        "logps/chosen_drop": 6 / 12,
    })  # fmt: skip
    assert issue_logs([one.take()]) == {}, "taken sums begin anew"

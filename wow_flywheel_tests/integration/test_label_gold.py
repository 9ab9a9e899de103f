"""The label itself against people's answers and a checked database: floors on the known part of real conversations."""

import pytest

from benchmarks.labels_by_label import FIRST, labels, learned_risks, share
from benchmarks.labels_gold import SHARED, low_satisfaction, not_achieved, not_solved

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is missing: real conversations with gold labels"),
]


def test_good_means_that_the_task_was_achieved_and_failed_that_it_was_not() -> None:
    gold, now = not_achieved(), labels("star")
    right, good = share(gold, now, "good", aside=False, true=False)
    assert right / good > 0.94
    assert good > 290, "bought with no more than a third of the Good Cases"
    before, of = share(gold, labels("star", FIRST), "good", aside=False, true=False)
    assert right / good > before / of + 0.05
    achieved, failed = share(gold, now, "failed", aside=False, true=False)
    assert achieved / failed < 0.2


def test_few_of_the_good_were_dissatisfied() -> None:
    unhappy, good = share(low_satisfaction(), labels("star"), "good", aside=False, true=True)
    assert unhappy / good < 0.04


def test_what_the_triage_learned_makes_good_right_where_the_talk_says_little() -> None:
    gold = not_solved()
    alone, good = share(gold, labels("tau"), "good", aside=False, true=False)
    assert alone / good > 0.66
    right, left = share(gold, labels("tau", risks=learned_risks(gold)), "good", aside=False, true=False)
    assert right / left > 0.8
    assert left > 60
